// SHA-256, RSA and Ed25519 over OpenSSL 3. Nothing is fetched or parsed per message: keys carry contexts that are copied for a
// use.
#include "dkim/crypto.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/text.h"

namespace dkim {
namespace {

using base::fail;
using base::Kind;

constexpr int shortest_rsa = 1024;           // RFC 8301 3.2
constexpr int longest_rsa_signing = 4096;    // what every verifier has to know (RFC 8301 3.2)
constexpr int longest_rsa_verifying = 8192;  // bounds what a stranger's key costs us
constexpr int ed25519_bits = 256;
constexpr std::size_t ed25519_key_octets = 32;
constexpr std::size_t ed25519_signature_octets = 64;
constexpr std::size_t longest_pem = 64U << 10U;

struct Free {
  void operator()(EVP_MD_CTX* p) const { EVP_MD_CTX_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(EVP_PKEY_CTX* p) const { EVP_PKEY_CTX_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
};
using MdContext = std::unique_ptr<EVP_MD_CTX, Free>;
using Key = std::unique_ptr<EVP_PKEY, Free>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free>;
using Bio = std::unique_ptr<BIO, Free>;

/// The error queue belongs to the thread and the TLS code reads it: what fails here leaves nothing behind.
class QuietErrors {
 public:
  QuietErrors() { ERR_set_mark(); }
  ~QuietErrors() { ERR_pop_to_mark(); }
  QuietErrors(const QuietErrors&) = delete;
  QuietErrors& operator=(const QuietErrors&) = delete;
};

/// For calls that fail only when memory is out.
template <class T>
T* needed(T* made) {
  if (made == nullptr) throw std::bad_alloc();
  return made;
}
void needed(int ok) {
  if (ok <= 0) throw std::bad_alloc();
}

const EVP_MD* sha256() {
  static const EVP_MD* const algorithm = needed(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return algorithm;
}

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* octets(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Key share(EVP_PKEY* key) {
  needed(EVP_PKEY_up_ref(key));
  return Key(key);
}

/// RSASSA-PKCS1-v1_5 with SHA-256, ready to be copied for each use (RFC 6376 3.3.1).
KeyContext rsa_context(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  KeyContext context(needed(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)));
  needed(init(context.get()));
  needed(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING));
  needed(EVP_PKEY_CTX_set_signature_md(context.get(), sha256()));
  return context;
}

/// The algorithm that a key is for, or nothing.
Result<Algorithm> algorithm_of(const EVP_PKEY* key) {
  if (EVP_PKEY_get_id(key) == EVP_PKEY_RSA) return Algorithm::rsa_sha256;
  if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519) return Algorithm::ed25519_sha256;
  const char* name = EVP_PKEY_get0_type_name(key);
  return fail(Kind::invalid,
              fmt::format("a key of type {} cannot sign DKIM; it must be RSA or Ed25519", name != nullptr ? name : "?"));
}

int bits_of(Algorithm algorithm, const EVP_PKEY* key) {
  return algorithm == Algorithm::ed25519_sha256 ? ed25519_bits : EVP_PKEY_get_bits(key);
}

/// Never asks anybody for a passphrase.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

/// Why a file is no private key, for the person who named it in the configuration.
std::string why_no_key(std::string_view pem) {
  const auto holds = [pem](std::string_view words) { return pem.find(words) != std::string_view::npos; };
  if (holds("ENCRYPTED")) return "the private key is encrypted; remove the passphrase with \"openssl pkey -in OLD -out NEW\"";
  if (holds("PRIVATE KEY-----")) return "the private key is damaged or of an unknown type";
  if (holds("PUBLIC KEY-----")) return "this is a public key; the private key is needed";
  if (holds("-----BEGIN CERTIFICATE")) return "this is a certificate; the private key is needed";
  return "this is no PEM file with a private key";
}

/// SubjectPublicKeyInfo or RSAPublicKey in DER, with nothing behind it.
Key rsa_from_der(std::string_view der) {
  for (const auto read : {+[](const unsigned char** at, long size) { return d2i_PUBKEY(nullptr, at, size); },
                          +[](const unsigned char** at, long size) { return d2i_PublicKey(EVP_PKEY_RSA, nullptr, at, size); }}) {
    const unsigned char* at = octets(der);
    Key key(read(&at, static_cast<long>(der.size())));
    if (key && at == octets(der) + der.size()) return key;
  }
  return nullptr;
}

std::string public_octets(Algorithm algorithm, EVP_PKEY* key) {
  if (algorithm == Algorithm::ed25519_sha256) {
    std::string raw(ed25519_key_octets, '\0');
    std::size_t size = raw.size();
    needed(EVP_PKEY_get_raw_public_key(key, octets(raw), &size));
    return raw;
  }
  const int size = i2d_PUBKEY(key, nullptr);
  needed(size);
  std::string der(static_cast<std::size_t>(size), '\0');
  unsigned char* at = octets(der);
  needed(i2d_PUBKEY(key, &at));
  return der;
}

}  // namespace

// --- Sha256

struct Sha256::State {
  MdContext context;
};

Sha256::Sha256() : state_(std::make_unique<State>(MdContext(needed(EVP_MD_CTX_new())))) {
  needed(EVP_DigestInit_ex2(state_->context.get(), sha256(), nullptr));
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view text) { needed(EVP_DigestUpdate(state_->context.get(), text.data(), text.size())); }

Digest Sha256::finish() {
  Digest digest{};
  needed(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr));
  return digest;
}

std::string_view to_string(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::rsa_sha256: return "rsa-sha256";
    case Algorithm::ed25519_sha256: return "ed25519-sha256";
  }
  return "";
}

// --- PublicKey

struct PublicKey::State {
  State(Algorithm its_algorithm, Key its_key)
      : algorithm(its_algorithm),
        bits(bits_of(its_algorithm, its_key.get())),
        key(std::move(its_key)),
        verifying(algorithm == Algorithm::rsa_sha256 ? rsa_context(key.get(), EVP_PKEY_verify_init) : nullptr) {}

  Algorithm algorithm;
  int bits;
  Key key;
  KeyContext verifying;  // RSA
};

Result<PublicKey> PublicKey::from_record(Algorithm algorithm, std::string_view text) {
  const QuietErrors quiet;
  Key key;
  if (algorithm == Algorithm::ed25519_sha256) {
    if (text.size() != ed25519_key_octets) {
      return fail(Kind::invalid, fmt::format("an Ed25519 key has 32 octets, not {}", text.size()));
    }
    key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets(text), text.size()));
  } else {
    key = rsa_from_der(text);
    if (key && EVP_PKEY_get_id(key.get()) != EVP_PKEY_RSA) key.reset();
  }
  if (!key) return fail(Kind::invalid, "the public key cannot be read");
  const int bits = bits_of(algorithm, key.get());
  if (algorithm == Algorithm::rsa_sha256 && (bits < shortest_rsa || bits > longest_rsa_verifying)) {
    return fail(Kind::invalid, fmt::format("an RSA key of {} bits is not accepted; {} to {} are (RFC 8301)", bits, shortest_rsa,
                                           longest_rsa_verifying));
  }
  PublicKey result;
  result.state_ = std::make_shared<const State>(algorithm, std::move(key));
  return result;
}

Algorithm PublicKey::algorithm() const { return state_->algorithm; }
int PublicKey::bits() const { return state_->bits; }

bool PublicKey::verifies(const Digest& digest, std::string_view signature) const {
  const QuietErrors quiet;
  if (state_->algorithm == Algorithm::rsa_sha256) {
    const KeyContext context(needed(EVP_PKEY_CTX_dup(state_->verifying.get())));
    return EVP_PKEY_verify(context.get(), octets(signature), signature.size(), digest.data(), digest.size()) == 1;
  }
  const MdContext context(needed(EVP_MD_CTX_new()));
  needed(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()));
  return EVP_DigestVerify(context.get(), octets(signature), signature.size(), digest.data(), digest.size()) == 1;
}

// --- PrivateKey

struct PrivateKey::State {
  State(Algorithm its_algorithm, Key its_key)
      : algorithm(its_algorithm),
        key(std::move(its_key)),
        signing(algorithm == Algorithm::rsa_sha256 ? rsa_context(key.get(), EVP_PKEY_sign_init) : nullptr) {
    public_key.state_ = std::make_shared<const PublicKey::State>(algorithm, share(key.get()));
  }

  Algorithm algorithm;
  Key key;
  KeyContext signing;  // RSA
  PublicKey public_key;
};

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  const QuietErrors quiet;
  if (pem.size() > longest_pem) return fail(Kind::invalid, "the file is too long for a private key");
  const Bio source(needed(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
  Key key(PEM_read_bio_PrivateKey_ex(source.get(), nullptr, no_passphrase, nullptr, nullptr, nullptr));
  if (!key) return fail(Kind::invalid, why_no_key(pem));
  const Result<Algorithm> algorithm = algorithm_of(key.get());
  if (!algorithm) return std::unexpected(algorithm.error());
  const int bits = bits_of(*algorithm, key.get());
  if (*algorithm == Algorithm::rsa_sha256 && (bits < shortest_rsa || bits > longest_rsa_signing)) {
    return fail(Kind::invalid, fmt::format("an RSA key of {} bits cannot be used; {} to {} bits can, 2048 is usual", bits,
                                           shortest_rsa, longest_rsa_signing));
  }
  PrivateKey result;
  result.state_ = std::make_shared<const State>(*algorithm, std::move(key));
  const Digest sample{};
  const Result<std::string> signature = result.sign(sample);
  if (!signature || !result.public_key().verifies(sample, *signature)) {
    return fail(Kind::invalid, "the private key is damaged: what it signs does not verify");
  }
  return result;
}

PrivateKey PrivateKey::generate(Algorithm algorithm, int rsa_bits) {
  const QuietErrors quiet;
  const auto bits = static_cast<std::size_t>(std::clamp(rsa_bits, shortest_rsa, longest_rsa_signing));
  Key key(needed(algorithm == Algorithm::rsa_sha256 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits)
                                                    : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
  PrivateKey result;
  result.state_ = std::make_shared<const State>(algorithm, std::move(key));
  return result;
}

std::string PrivateKey::to_pem() const {
  const Bio sink(needed(BIO_new(BIO_s_mem())));
  needed(PEM_write_bio_PKCS8PrivateKey(sink.get(), state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  char* text = nullptr;
  const long size = BIO_get_mem_data(sink.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

Algorithm PrivateKey::algorithm() const { return state_->algorithm; }
int PrivateKey::bits() const { return state_->public_key.bits(); }
PublicKey PrivateKey::public_key() const { return state_->public_key; }

std::string PrivateKey::public_record() const {
  return fmt::format("v=DKIM1; k={}; p={}", algorithm() == Algorithm::rsa_sha256 ? "rsa" : "ed25519",
                     base::base64_encode(public_octets(algorithm(), state_->key.get())));
}

Result<std::string> PrivateKey::sign(const Digest& digest) const {
  const QuietErrors quiet;
  bool done = false;
  std::string signature;
  std::size_t size = 0;
  if (state_->algorithm == Algorithm::rsa_sha256) {
    const KeyContext context(needed(EVP_PKEY_CTX_dup(state_->signing.get())));
    size = static_cast<std::size_t>(EVP_PKEY_get_size(state_->key.get()));
    signature.resize(size);
    done = EVP_PKEY_sign(context.get(), octets(signature), &size, digest.data(), digest.size()) == 1;
  } else {
    const MdContext context(needed(EVP_MD_CTX_new()));
    size = ed25519_signature_octets;
    signature.resize(size);
    needed(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, state_->key.get()));
    done = EVP_DigestSign(context.get(), octets(signature), &size, digest.data(), digest.size()) == 1;
  }
  if (!done) return fail(Kind::temporary, "OpenSSL could not sign");
  signature.resize(size);
  return signature;
}

}  // namespace dkim
