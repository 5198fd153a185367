// TLS contexts over OpenSSL, and the self-signed certificate.
#include "relay/tls.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "relay/tls_sessions.h"

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

/// A context and what its callbacks look at.
struct ServerContext {
  explicit ServerContext(std::shared_ptr<TicketKeys> keys) : tickets(std::move(keys)), context(ssl::context::tls_server) {}
  std::shared_ptr<TicketKeys> tickets;
  TlsContext context;
};

struct ClientContext {
  TlsSessions sessions;
  TlsContext context{ssl::context::tls_client};
};

/// Where a context keeps its ticket keys; its application data belongs to Asio.
int tickets_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

/// For SSL_CTX_set_tlsext_ticket_key_evp_cb: 0 is "make no ticket" or "shake hands in full", 2 "renew the ticket as well".
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int sealing) {
  auto& keys = *static_cast<TicketKeys*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tickets_index()));
  const auto now = std::chrono::steady_clock::now();
  const TicketKey* newest = keys.sealing(now);
  const TicketKey* key = sealing != 0 ? newest : keys.opening(name, now);
  if (key == nullptr) return 0;
  if (sealing != 0) {
    std::ranges::copy(key->name, name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  }
  std::string digest = "SHA256";
  std::array<std::uint8_t, 32> mac_key = key->mac;
  const std::array<OSSL_PARAM, 3> parameters = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key.data(), mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
  const bool ready = EVP_MAC_CTX_set_params(mac, parameters.data()) == 1 &&
                     EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv, sealing) == 1;
  if (!ready) return -1;
  const bool is_used_up = key != newest || SSL_version(ssl) == TLS1_3_VERSION;  // a ticket of TLS 1.3 serves once (RFC 8446 C.4)
  return sealing == 0 && is_used_up ? 2 : 1;
}

/// Resumption by tickets alone: no memory of sessions here.
void use_tickets(ServerContext& made) {
  constexpr std::string_view session_context = "mailferry";
  SSL_CTX* native = made.context.native_handle();
  SSL_CTX_set_ex_data(native, tickets_index(), made.tickets.get());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(native, use_ticket_key);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(native, reinterpret_cast<const unsigned char*>(session_context.data()),
                                 static_cast<unsigned>(session_context.size()));
  SSL_CTX_set_timeout(native, std::chrono::seconds(TicketKeys::lifetime).count());
  SSL_CTX_set_num_tickets(native, 2);
}

/// A client without a certificate, or with an unknown one, is as welcome as before: what it may do is decided later.
int let_pass(int /*verified*/, X509_STORE_CTX* /*chain*/) { return 1; }

Result<void> ask_for_certificates(SSL_CTX* context, const conf::Config& config) {
  const std::string& authorities = config.tls.client_ca;
  if (authorities.empty() && config.accept.client_certificates.empty()) return {};
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, let_pass);
  if (authorities.empty()) return {};
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(authorities.c_str());
  if (names == nullptr || SSL_CTX_load_verify_file(context, authorities.c_str()) != 1) {
    sk_X509_NAME_pop_free(names, X509_NAME_free);
    return base::fail(Kind::invalid, fmt::format("tls.client_ca: no certificates can be read from {}", authorities));
  }
  SSL_CTX_set_client_CA_list(context, names);  // takes it
  return {};
}

std::string stamp_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return "missing";
  return fmt::format("{}/{}/{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

}  // namespace

std::string certificate_stamp(const conf::Config& config) {
  if (config.tls.certificate.empty()) return {};
  return stamp_of(config.tls.certificate) + " " + stamp_of(config.tls.key);
}

Result<std::shared_ptr<TlsContext>> make_server_tls(const conf::Config& config, std::shared_ptr<TicketKeys> tickets) {
  std::string certificate = config.tls.certificate;
  std::string key = config.tls.key;
  if (certificate.empty()) {
    auto path = self_signed_path(config);
    if (!path) return std::unexpected(path.error());
    certificate = key = *path;
  }
  auto made = std::make_shared<ServerContext>(std::move(tickets));
  std::shared_ptr<TlsContext> context(made, &made->context);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_compression | SSL_OP_CIPHER_SERVER_PREFERENCE |
                       SSL_OP_NO_RENEGOTIATION);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, version_of(config.tls.minimum));
  SSL_CTX_set_cipher_list(native, config.tls.minimum == conf::TlsMinimum::tls1_0 ? old_ciphers : intermediate_ciphers);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // an idle session holds no 16 KiB buffers
  use_tickets(*made);
  if (auto asked = ask_for_certificates(native, config); !asked) return std::unexpected(asked.error());
  if (auto loaded = load_pair(*context, certificate, key); !loaded) return std::unexpected(loaded.error());
  return context;
}

Result<std::shared_ptr<TlsContext>> make_client_tls() {
  auto made = std::make_shared<ClientContext>();
  std::shared_ptr<TlsContext> context(made, &made->context);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_compression);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  context->set_verify_mode(ssl::verify_none);
  // Where a connection asks for it; a system without authorities fails only then.
  SSL_CTX_set_default_verify_paths(native);
  made->sessions.serve(native);
  return context;
}

}  // namespace relay
