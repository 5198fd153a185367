// The words for each cause: what it means, what to do. The reader wrote the message and knows nothing of mail servers; what only
// an administrator can mend says so, with what he has to mend.
#include <array>

#include "mail/advice.h"

namespace mail {
namespace {

constexpr std::array<Advice, cause_count> advice{{
    {Cause::no_mailbox, Helper::sender, "The recipient's mail service does not know this address.",
     "Check the address letter by letter. If it is right, the mailbox may have been closed: ask the recipient in another way for "
     "the present address, and send the message again.",
     "对方邮件系统中没有这个邮箱地址。",
     "请逐字核对收件人地址。如果地址没有写错，该邮箱可能已经停用，请通过其他方式向对方询问现在的地址，然后重新发送。"},

    {Cause::mailbox_closed, Helper::sender, "The recipient's mailbox takes no mail at present; it may have been closed.",
     "Ask the recipient in another way whether the mailbox is still in use, or write to another address.",
     "对方的邮箱目前不接收邮件，可能已被停用。", "请通过其他方式向对方确认该邮箱是否仍在使用，或改用其他地址。"},

    {Cause::mailbox_full, Helper::sender, "The recipient's mailbox is full.",
     "Tell the recipient in another way to make room, then send the message again.", "对方的邮箱已满。",
     "请通过其他方式提醒对方清理邮箱，然后重新发送。"},

    {Cause::too_large, Helper::sender, "The message is larger than the recipient's mail service accepts.",
     "Send it without large attachments or in several parts, or put the files on a file-sharing service and send the link.",
     "邮件的大小超过了对方邮件系统的限制。", "请去掉较大的附件、分成几封发送，或将文件上传到网盘后发送链接。"},

    {Cause::no_domain, Helper::sender,
     "The domain (the part of the address behind the @) does not exist, or no mail server can be found for it.",
     "Check the part behind the @ for typing mistakes, and send the message again to the right address.",
     "地址中 @ 后面的域名不存在，或者找不到该域名的邮件服务器。", "请检查 @ 后面的部分是否拼写正确，更正后重新发送。"},

    {Cause::no_mail_service, Helper::sender, "The recipient's domain declares that it takes no mail at all.",
     "Ask the recipient in another way for a different address.", "对方的域名声明不接收任何邮件。",
     "请通过其他方式向对方询问可用的邮箱地址。"},

    {Cause::bad_address, Helper::sender, "The address is not written in a form that mail can be sent to.",
     "Correct the address, and send the message again.", "收件人地址的格式不正确，无法投递。", "请更正地址后重新发送。"},

    {Cause::sender_refused, Helper::administrator,
     "The recipient's mail service does not accept the address that the message was sent from.",
     "Forward this notice to your mail administrator: the sender's address must exist, and its domain {from} must be able to "
     "receive mail (MX record).",
     "对方邮件系统不接受这封邮件的发件人地址。",
     "请将这封通知转给贵公司的邮件管理员：发件人地址必须真实存在，其域名 {from} 必须能够接收邮件（MX 记录）。"},

    {Cause::cannot_connect, Helper::sender, "The recipient's mail server could not be reached, or stopped answering.",
     "The trouble is most likely there or on the way. Send the message again later; if it is urgent, reach the recipient in "
     "another way.",
     "无法连接到对方的邮件服务器，或者对方服务器中途停止响应。",
     "问题很可能出在对方或网络线路上。请稍后重新发送；如果事情紧急，请通过其他方式联系对方。"},

    {Cause::dns_trouble, Helper::sender, "The name servers of the recipient's domain gave no proper answer (DNS).",
     "Check the part behind the @ for typing mistakes. If it is right, the recipient's side has to repair its name servers; send "
     "the message again later.",
     "查询对方的域名时，域名服务器（DNS）没有给出正常的应答。",
     "请检查 @ 后面的部分是否拼写正确。如果正确，需要由对方修复其域名服务器，请稍后重新发送。"},

    {Cause::tls, Helper::administrator,
     "The encrypted connection (TLS) that is required to the recipient's mail server was not possible.",
     "Forward this notice to your mail administrator: the TLS settings and certificates of both servers have to be looked at.",
     "无法与对方的邮件服务器建立所要求的加密连接（TLS）。",
     "请将这封通知转给贵公司的邮件管理员：需要检查双方服务器的 TLS 设置和证书。"},

    {Cause::authentication, Helper::administrator,
     "The recipient's mail service could not make sure that the message really comes from {from} (SPF, DKIM, DMARC).",
     "Forward this notice to your mail administrator: the SPF record of {from} must name the relay {relay}, and the message must "
     "carry a DKIM signature of that domain whose key is published. Then send the message again.",
     "对方邮件系统无法确认这封邮件确实来自 {from}（SPF、DKIM 或 DMARC 验证未通过）。",
     "请将这封通知转给贵公司的邮件管理员：{from} 的 SPF 记录应包含中继服务器 {relay}，邮件应带有该域名的 DKIM "
     "签名，且公钥已正确发布。修复后请重新发送。"},

    {Cause::reverse_name, Helper::administrator,
     "The recipient's mail service takes no mail from the relay {relay}, whose internet address has no proper name (reverse "
     "DNS).",
     "Forward this notice to your mail administrator: the PTR record of the relay's address must give a name, and that name must "
     "have this address.",
     "对方邮件系统拒收来自中继服务器 {relay} 的邮件，因为其 IP 地址没有正确的反向解析。",
     "请将这封通知转给贵公司的邮件管理员：该 IP 地址的 PTR 记录必须指向一个主机名，且该主机名必须解析到同一 IP 地址。"},

    {Cause::blocked, Helper::administrator,
     "The recipient's mail service takes no mail from the relay {relay} at present: its internet address or domain is on a block "
     "list or has a poor reputation.",
     "Forward this notice to your mail administrator: the receiver's words above often name the page where the block can be "
     "lifted. If it is urgent, reach the recipient in another way.",
     "对方邮件系统目前不接收来自中继服务器 {relay} 的邮件：其 IP 地址或域名被列入黑名单，或信誉不足。",
     "请将这封通知转给贵公司的邮件管理员：上面对方的答复中通常写有申请解除限制的网址。如果事情紧急，请通过其他方式联系对方。"},

    {Cause::content, Helper::sender,
     "The recipient's mail service took the message for spam, or found something in it that it does not accept (a link or an "
     "attachment, for example).",
     "Look at the words, links and attachments, and send a plainer message; or ask the recipient to allow your address. If it "
     "happens again, tell your mail administrator.",
     "对方邮件系统认为这封邮件是垃圾邮件，或者其中含有不被接受的内容（例如链接或附件）。",
     "请检查邮件的文字、链接和附件，简化后重新发送；或请对方将您的地址加入白名单。如果再次发生，请告知贵公司的邮件管理员。"},

    {Cause::policy, Helper::sender, "The recipient's mail service refused the message by rules of its own.",
     "The receiver's words above may tell the reason. Ask the recipient to allow your address; if that does not help, forward "
     "this "
     "notice to your mail administrator.",
     "对方邮件系统按照自己的规则拒收了这封邮件。",
     "上面对方的答复中可能写有原因。请对方允许接收来自您的地址的邮件；如果仍不成功，请将这封通知转给贵公司的邮件管理员。"},

    {Cause::rate, Helper::sender, "The recipient's mail service takes only so many messages in a time, and there were too many.",
     "Send the message again in some hours. If it happens often, tell your mail administrator.",
     "对方邮件系统限制一定时间内接收的邮件数量，目前已超过上限。",
     "请过几个小时重新发送。如果经常发生，请告知贵公司的邮件管理员。"},

    {Cause::busy, Helper::sender, "The recipient's mail service was not able to take the message for the time being.",
     "Send the message again later; if it is urgent, reach the recipient in another way.", "对方邮件系统暂时无法接收这封邮件。",
     "请稍后重新发送；如果事情紧急，请通过其他方式联系对方。"},

    {Cause::relay_denied, Helper::administrator, "The server that was asked does not take mail for this recipient.",
     "Check the address. If it is right, forward this notice to your mail administrator: the MX records of the recipient's "
     "domain, "
     "or a route of the relay, lead to a server that is not in charge of it, or that wants a password.",
     "被连接的服务器不负责接收该收件人的邮件（拒绝转发）。",
     "请检查地址是否正确。如果正确，请将这封通知转给贵公司的邮件管理员：收件人域名的 MX "
     "记录或中继服务器的路由指向了不负责该域名、或需要登录的服务器。"},

    {Cause::form, Helper::sender,
     "The recipient's mail service cannot handle the form of this message (its header, structure or characters).",
     "Send it as plain text or with another mail program. If that does not help, forward this notice to your mail administrator.",
     "对方邮件系统无法处理这封邮件的格式（邮件头、结构或字符）。",
     "请改用纯文本格式或其他邮件软件重新发送。如果仍不成功，请将这封通知转给贵公司的邮件管理员。"},

    {Cause::no_utf8, Helper::sender,
     "An address or the header of this message holds characters beyond ASCII, and the recipient's mail service does not know "
     "them.",
     "Ask the recipient for an address in Latin letters, or send the message from such an address of your own.",
     "邮件地址或邮件头中含有非 ASCII 字符（例如中文），对方邮件系统不支持。",
     "请向对方询问由拉丁字母组成的邮箱地址，或改用您自己的这类地址发送。"},

    {Cause::no_requiretls, Helper::administrator,
     "The message may travel over protected connections only (REQUIRETLS), and no such way to the recipient was found.",
     "Send the message without that requirement if it may travel like all other mail. Else forward this notice to your mail "
     "administrator: the recipient's mail server must offer REQUIRETLS with a good certificate, and a route of the relay {relay} "
     "must name it.",
     "这封邮件要求全程加密传输（REQUIRETLS），但没有找到通往对方邮件系统的此类线路。",
     "如果这封邮件可以按普通方式传输，请取消该要求后重新发送。否则请将这封通知转给贵公司的邮件管理员：对方的邮件服务器必须支持 "
     "REQUIRETLS 并持有有效证书，且中继服务器 {relay} 的路由中必须写明该服务器。"},

    {Cause::loop, Helper::administrator, "The message went round in a circle between mail servers.",
     "Forward this notice to your mail administrator: somewhere a forwarding leads back to where it began.",
     "这封邮件在邮件服务器之间循环转发。", "请将这封通知转给贵公司的邮件管理员：某处的转发设置又指回了起点。"},

    {Cause::protocol, Helper::administrator, "The two mail servers did not understand each other.",
     "Send the message again later. If that does not help, forward this notice to your mail administrator.",
     "双方的邮件服务器之间通信异常。", "请稍后重新发送。如果仍不成功，请将这封通知转给贵公司的邮件管理员。"},

    {Cause::time_over, Helper::sender, "The message could not be delivered in the time that it is kept for.",
     "Send the message again later; if it is urgent, reach the recipient in another way.", "在规定的期限内未能将这封邮件送达。",
     "请稍后重新发送；如果事情紧急，请通过其他方式联系对方。"},

    {Cause::returned_by_admin, Helper::administrator,
     "An administrator of the relay {relay} gave the message back; it is not sent any further.",
     "Ask your mail administrator for the reason before you send it again.",
     "中继服务器 {relay} 的管理员退回了这封邮件，不再继续投递。", "重新发送之前，请先向贵公司的邮件管理员了解原因。"},

    {Cause::relay_trouble, Helper::administrator, "The relay {relay} has trouble of its own with this message.",
     "Forward this notice to your mail administrator.", "中继服务器 {relay} 在处理这封邮件时出现内部故障。",
     "请将这封通知转给贵公司的邮件管理员。"},

    {Cause::not_handed_over, Helper::sender, "The message could not be handed over to the recipient's mail service.",
     "Send the message again later. If that does not help, forward this notice to your mail administrator.",
     "未能将这封邮件交给对方的邮件系统。", "请稍后重新发送。如果仍不成功，请将这封通知转给贵公司的邮件管理员。"},

    {Cause::refused, Helper::sender, "The recipient's mail service refused the message.",
     "The receiver's words above may tell the reason. If they do not help, forward this notice to your mail administrator.",
     "对方邮件系统拒收了这封邮件。", "上面对方的答复中可能写有原因。如果仍不清楚，请将这封通知转给贵公司的邮件管理员。"},
}};

/// A row for each cause, at its place.
constexpr bool is_in_order() {
  for (std::size_t i = 0; i < advice.size(); ++i) {
    if (static_cast<std::size_t>(advice[i].cause) != i) return false;
  }
  return true;
}
static_assert(is_in_order());

}  // namespace

const Advice& advice_for(Cause cause) { return advice[static_cast<std::size_t>(cause)]; }

}  // namespace mail
