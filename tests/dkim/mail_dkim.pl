# Mail::DKIM at the other end of a pipe: a request in JSON a line, an answer in JSON a line.
#   {"records": {NAME: [STRING...]}}                                        answered {}
#   {"supports": KEY TYPE}                                                  {"answer": BOOLEAN}
#   {"sign": FILE, "key": FILE, "algorithm", "canonicalization", "domain", "selector"}   {"field": TEXT} or {"error": WORDS}
#   {"verify": FILE}                                                        {"signatures": [[RESULT, DETAIL]...]}
use strict;
use warnings;
use JSON::PP;
use Mail::DKIM::PrivateKey;
use Mail::DKIM::Signer;
use Mail::DKIM::Verifier;
use Net::DNS;

my %records;
{
    no warnings 'redefine';
    *Mail::DKIM::DNS::query = sub {
        my ($name, $type) = @_;
        my $strings = $records{lc $name} or return;
        return Net::DNS::RR->new(owner => $name, type => 'TXT', txtdata => $strings);
    };
}

sub content {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or die "$path: $!";
    local $/;
    return scalar <$file>;
}

sub sign {
    my ($wanted) = @_;
    my ($key_type) = $wanted->{algorithm} =~ /^(\w+)-/;
    my $signer = Mail::DKIM::Signer->new(
        Algorithm => $wanted->{algorithm},
        Method    => $wanted->{canonicalization},
        Domain    => $wanted->{domain},
        Selector  => $wanted->{selector},
        Key       => Mail::DKIM::PrivateKey->load(File => $wanted->{key}, $key_type eq 'rsa' ? () : (Type => $key_type)),
    );
    $signer->PRINT(content($wanted->{sign}));
    $signer->CLOSE;
    return { field => $signer->signature->as_string };
}

sub verify {
    my ($wanted) = @_;
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT(content($wanted->{verify}));
    $verifier->CLOSE;
    return { signatures => [map { [$_->result // '', $_->result_detail // ''] } $verifier->signatures] };
}

$| = 1;
$SIG{__WARN__} = sub { };    # what a stranger wrote is no news
while (my $line = <STDIN>) {
    my $wanted = decode_json($line);
    my $answer = eval {
        if ($wanted->{supports}) {
            return { answer => grep({ -e "$_/Mail/DKIM/Algorithm/$wanted->{supports}_sha256.pm" } @INC) ? JSON::PP::true : JSON::PP::false };
        }
        if ($wanted->{records}) { %records = (%records, %{ $wanted->{records} }); return {} }
        return $wanted->{sign} ? sign($wanted) : verify($wanted);
    } // { error => "$@" };
    print encode_json($answer), "\n";
}
