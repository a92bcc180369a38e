"""How one notice leaves the house: by signed webhook, as Slack takes it, or by mail. Nothing here repeats a secret."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import smtplib
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from email.message import EmailMessage
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from serving.alerting.channels import Channel

SIGNATURE, TIMESTAMP, IDEMPOTENCY = "X-Slacast-Signature", "X-Slacast-Timestamp", "Idempotency-Key"
WINDOW_SECONDS = 300
Alert: TypeAlias = Mapping[str, Any]
Send: TypeAlias = Callable[[Alert, datetime], None]
_SIGNS = {"raised": "\N{BLACK UP-POINTING TRIANGLE}", "recovered": "\N{BLACK CIRCLE}", "summary": "…"}
_READ_BYTES = 1024


class DeliveryError(Exception):
    """A notice that did not arrive; the text says why and holds no secret."""


def sender_of(channel: Channel, environment: Mapping[str, str]) -> Send:
    """What sends a stored alert on a channel at an instant of real time, or raises DeliveryError.

    Raises ValueError naming the environment variables that are not set, and for an address there that is not safe.
    """
    missing = [name for name in channel.variables() if not environment.get(name)]
    if missing:
        raise ValueError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set in the environment")
    if channel.kind == "email":
        return _mailer(channel, environment[channel.password_from] if channel.password_from else None)
    url = channel.address(environment)
    if channel.kind == "slack":
        return lambda alert, _at: _post(url, slack_body(alert), {IDEMPOTENCY: str(alert["key"])}, channel)
    secret = environment[channel.secret_from].encode() if channel.secret_from else None

    def send(alert: Alert, at: datetime) -> None:
        body = webhook_body(alert)
        headers = {IDEMPOTENCY: str(alert["key"])}
        if secret is not None:
            seconds = str(int(at.timestamp()))
            headers |= {TIMESTAMP: seconds, SIGNATURE: signature(secret, seconds, body)}
        _post(url, body, headers, channel)

    return send


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """The signature of a body: `v1=` and the HMAC-SHA256, in hexadecimal, over timestamp, a dot and the body."""
    return f"v1={hmac.new(secret, timestamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def is_genuine(secret: bytes, headers: Mapping[str, str], body: bytes, at: datetime) -> bool:
    """True for a body that we signed within the last five minutes: what a receiver has to check."""
    sent, signed = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not sent.isascii() or not sent.isdigit() or abs(at.timestamp() - int(sent)) > WINDOW_SECONDS:
        return False
    return hmac.compare_digest(signature(secret, sent, body).encode(), signed.encode())


def webhook_body(alert: Alert) -> bytes:
    """The alert as our own JSON."""
    told = {name: alert[name] for name in ("rule", "subject_kind", "subject", "event", "severity", "message")}
    details = json.loads(alert["details"]) if isinstance(alert["details"], str) else {}
    shown = {name: value for name, value in details.items() if not name.endswith("_us")}
    whole = {
        "id": alert["key"],
        # One value for an alert and its recovery: what PagerDuty and others call the deduplication key.
        "deduplication_key": f"{alert['rule']}/{alert['subject_kind']}/{alert['subject']}",
        "raised_at": alert["raised_at"].isoformat(),
        **told,
        "details": shown,
    }
    return json.dumps(whole, ensure_ascii=False).encode()


def slack_body(alert: Alert) -> bytes:
    """The alert as incoming webhooks of Slack and its likes take it. What people wrote can mention nobody."""
    text = f"{_SIGNS.get(alert['event'], '')} {alert['message']}".strip()
    for sign, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, escaped)
    return json.dumps({"text": text}, ensure_ascii=False).encode()


def _post(url: str, body: bytes, headers: Mapping[str, str], channel: Channel) -> None:
    """Nothing, if the receiver answered 2xx. Redirects are not followed: the address that was checked is the one that is used."""
    parts = urlsplit(url)
    seconds = channel.timeout_seconds
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=seconds)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    sent = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "slacast", **headers}
    try:
        connection.request("POST", target, body, sent)
        answer = connection.getresponse()
        answer.read(_READ_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise DeliveryError(_words(error)) from None  # the cause may hold the address, which may be a secret
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"answered {answer.status}")


def _mailer(channel: Channel, password: str | None) -> Send:
    def send(alert: Alert, at: datetime) -> None:
        message = mail_of(alert, channel, at)
        try:
            with _smtp(channel) as server:
                if channel.security == "starttls":
                    server.starttls(context=ssl.create_default_context())
                if channel.user is not None and password is not None:
                    server.login(channel.user, password)
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(_words(error)) from None

    return send


def mail_of(alert: Alert, channel: Channel, at: datetime) -> EmailMessage:
    """The alert as a mail; its Message-ID is the same at every attempt, so that mail systems drop doubles."""
    message = EmailMessage()
    message["From"], message["To"] = channel.sender, ", ".join(channel.to)
    message["Subject"] = f"[slacast] {alert['message']}"[:200]
    message["Date"] = at
    message["Message-ID"] = f"<{alert['key']}@slacast.invalid>"
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's absence notice answers (RFC 3834)
    details = json.loads(alert["details"]) if isinstance(alert["details"], str) else {}
    lines = [f"{ticket['ticket_id']}  due {ticket['due_at'] or '-'}" for ticket in details.get("tickets", [])]
    rest = [f"Rule: {alert['rule']}", f"Since: {alert['raised_at'].isoformat()}"]
    message.set_content("\n".join([alert["message"], "", *lines, "", *rest]) + "\n")
    return message


def _smtp(channel: Channel) -> smtplib.SMTP:
    host, seconds = channel.host or "", channel.timeout_seconds
    if channel.security == "tls":
        return smtplib.SMTP_SSL(host, channel.port, timeout=seconds, context=ssl.create_default_context())
    return smtplib.SMTP(host, channel.port, timeout=seconds)


def _words(error: Exception) -> str:
    """What went wrong, by its kind: the texts of libraries may repeat what was sent."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}: the mail server answered {error.smtp_code}"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror and not isinstance(error, smtplib.SMTPException):
        return f"{type(error).__name__}: {error.strerror}"
    return type(error).__name__
