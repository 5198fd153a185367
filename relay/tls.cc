// TLS contexts over OpenSSL, and the self-signed certificate.
#include "relay/tls.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/file.h"

namespace relay {
namespace {

namespace ssl = boost::asio::ssl;
using base::Kind;
using base::Result;

/// Mozilla's intermediate list: forward secrecy and AEAD only.
constexpr const char* intermediate_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384";
/// What Exchange 2010 and its like still need; only with tls.minimum = "1.0".
constexpr const char* old_ciphers = "DEFAULT:@SECLEVEL=0";
constexpr long self_signed_lifetime = 10L * 365 * 86400;  // nobody checks it: a short life would only break

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

bool add_name(X509* certificate, const std::string& hostname) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(hostname.c_str());
  if (hostname.size() <= 64 && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) != 1) return false;
  const std::string alternative = "DNS:" + hostname;
  const Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1 && X509_set_issuer_name(certificate, name) == 1;
}

/// Key and certificate in one PEM text.
Result<std::string> make_self_signed(const std::string& hostname) {
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const Owned<X509> certificate(X509_new());
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  const bool made =
      key && certificate && bio && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), base::now().time_since_epoch().count()) == 1 &&
      X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0) != nullptr &&
      X509_gmtime_adj(X509_getm_notAfter(certificate.get()), self_signed_lifetime) != nullptr &&
      X509_set_pubkey(certificate.get(), key.get()) == 1 && add_name(certificate.get(), hostname) &&
      X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0 &&
      PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
      PEM_write_bio_X509(bio.get(), certificate.get()) == 1;
  if (!made) return base::fail(Kind::tls, "cannot make a self-signed certificate");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

Result<std::string> self_signed_path(const conf::Config& config) {
  const std::string folder = config.spool + "/tls";
  std::string path = folder + "/self-signed.pem";
  if (::access(path.c_str(), F_OK) == 0) return path;
  if (auto made = base::make_directories(folder); !made) return std::unexpected(made.error());
  auto pem = make_self_signed(config.hostname);
  if (!pem) return std::unexpected(pem.error());
  if (auto written = base::write_file_durably(path, *pem, 0600); !written) return std::unexpected(written.error());
  return path;
}

int version_of(conf::TlsMinimum minimum) {
  switch (minimum) {
    case conf::TlsMinimum::tls1_0: return TLS1_VERSION;
    case conf::TlsMinimum::tls1_2: return TLS1_2_VERSION;
    case conf::TlsMinimum::tls1_3: return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

Result<void> load_pair(TlsContext& context, const std::string& certificate, const std::string& key) {
  boost::system::error_code error;
  context.use_certificate_chain_file(certificate, error);
  if (error) {
    return base::fail(Kind::invalid, fmt::format("tls.certificate: cannot use {}: {}", certificate, error.message()));
  }
  context.use_private_key_file(key, ssl::context::pem, error);
  if (error) {
    return base::fail(Kind::invalid, fmt::format("tls.key: cannot use {} with {}: {}", key, certificate, error.message()));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> make_server_tls(const conf::Config& config) {
  std::string certificate = config.tls.certificate;
  std::string key = config.tls.key;
  if (certificate.empty()) {
    auto path = self_signed_path(config);
    if (!path) return std::unexpected(path.error());
    certificate = key = *path;
  }
  auto context = std::make_shared<TlsContext>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_compression | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, version_of(config.tls.minimum));
  SSL_CTX_set_cipher_list(native, config.tls.minimum == conf::TlsMinimum::tls1_0 ? old_ciphers : intermediate_ciphers);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // an idle session holds no 16 KiB buffers
  if (auto loaded = load_pair(*context, certificate, key); !loaded) return std::unexpected(loaded.error());
  return context;
}

Result<std::shared_ptr<TlsContext>> make_client_tls() {
  auto context = std::make_shared<TlsContext>(ssl::context::tls_client);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_compression);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  context->set_verify_mode(ssl::verify_none);
  return context;
}

}  // namespace relay
