// TLS contexts: the server's with its certificate (a self-signed one is made when none is configured), the client's for delivery.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.h"
#include "conf/config.h"
#include "relay/tickets.h"

namespace relay {

using TlsContext = boost::asio::ssl::context;

/// Certificate and key of [tls]; with both paths unset spool/tls/self-signed.pem, made at first start for `hostname`.
/// Kind::invalid with the path when they are missing, unreadable or do not belong together. Sessions are resumed by tickets of
/// `tickets`. Client certificates are asked for, and never insisted on, with tls.client_ca or accept.client_certificates.
base::Result<std::shared_ptr<TlsContext>> make_server_tls(const conf::Config& config, std::shared_ptr<TicketKeys> tickets);

/// Says when the files of certificate and key changed: a renewed certificate is taken without anybody's asking. Empty: no files.
std::string certificate_stamp(const conf::Config& config);

/// For encryption with any certificate, TLS 1.2 or better (RFC 7435: some protection beats none). Connections that verify theirs
/// find the system's authorities in it (SSL_CERT_FILE and SSL_CERT_DIR name others).
base::Result<std::shared_ptr<TlsContext>> make_client_tls();

}  // namespace relay
