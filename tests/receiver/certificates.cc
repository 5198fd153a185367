// Made anew for each test by OpenSSL.
#include "tests/receiver/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <stdexcept>

namespace receiver {
namespace {

constexpr long day = 24L * 3600L;

struct Validity {
  long from = -day;  ///< seconds from now
  long to = 30 * day;
};

/// Who signs; without a certificate the one that is made signs itself.
struct Issuer {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
};

std::shared_ptr<EVP_PKEY> make_key() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  if (!key) throw std::runtime_error("no key can be made");
  return key;
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::shared_ptr<X509> make_certificate(EVP_PKEY* key, const std::string& name, Validity validity, Issuer issuer) {
  static long serial = 1;
  std::shared_ptr<X509> made(X509_new(), &X509_free);
  const bool own = issuer.certificate == nullptr;
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), validity.from);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), validity.to);
  X509_set_pubkey(made.get(), key);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC, text, -1, -1, 0);
  X509_set_issuer_name(made.get(), X509_get_subject_name(own ? made.get() : issuer.certificate));
  if (own) extend(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE");
  if (!own) extend(made.get(), issuer.certificate, NID_subject_alt_name, "DNS:" + name);
  if (X509_sign(made.get(), issuer.key, EVP_sha256()) == 0) throw std::runtime_error("no certificate can be signed");
  return made;
}

Validity validity_of(Tls kind) {
  if (kind == Tls::expired) return {-30 * day, -day};
  if (kind == Tls::not_yet_valid) return {day, 30 * day};
  return {};
}

}  // namespace

Authority::Authority()
    : key_(make_key()), certificate_(make_certificate(key_.get(), "An authority", {}, {key_.get(), nullptr})) {}

std::string Authority::pem() const {
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_X509(memory.get(), certificate_.get());
  char* octets = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &octets);
  return std::string(octets, static_cast<std::size_t>(size));
}

TlsServer Authority::server(Tls kind, const std::string& host) const {
  if (kind == Tls::none) return nullptr;
  const auto key = make_key();
  const std::string name = kind == Tls::other_name ? "somewhere.else.example" : host;
  const Issuer issuer = kind == Tls::unknown_authority ? Issuer{key.get(), nullptr} : Issuer{key_.get(), certificate_.get()};
  const auto certificate = make_certificate(key.get(), name, validity_of(kind), issuer);
  TlsServer server(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  SSL_CTX_set_security_level(server.get(), 0);  // for what is old
  SSL_CTX_use_certificate(server.get(), certificate.get());
  SSL_CTX_use_PrivateKey(server.get(), key.get());
  if (kind == Tls::old_version) SSL_CTX_set_max_proto_version(server.get(), TLS1_VERSION);
  if (kind == Tls::odd_cipher) {
    SSL_CTX_set_max_proto_version(server.get(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(server.get(), "NULL-SHA256");
  }
  if (kind == Tls::asks_for_ours) SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER, nullptr);
  return server;
}

}  // namespace receiver
