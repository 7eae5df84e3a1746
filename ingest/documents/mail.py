"""Mail (EML) and boxes of it (MBOX): headers, body and attachments, by the standard library. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message

from ingest.documents import web
from ingest.documents.content import Attachment, Content, Unreadable, Writer, heading_text, paragraphs
from ingest.documents.text import clean, decode
from search.records import Block

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_NEXT_MAIL = re.compile(rb"^From .*\r?\n", re.MULTILINE)
_NAME = re.compile(r"[\\/:\0\r\n\t]+")


def is_mail(head: bytes) -> bool:
    """Whether bytes begin as a mail does: header lines, among them two that only mails have."""
    lines = re.split(rb"\r?\n\r?\n", head[:8192].lstrip(), maxsplit=1)[0]
    names = {name.lower() for name in re.findall(rb"^([A-Za-z][A-Za-z0-9-]*):", lines, re.MULTILINE)}
    known = {b"from", b"to", b"subject", b"date", b"received", b"message-id", b"mime-version", b"return-path"}
    return len(names & known) >= 2


def read(data: bytes) -> Content:
    """One mail as Content, its attachments in it; raises Unreadable where there is no mail."""
    if not is_mail(data):
        raise Unreadable("it has no mail headers")
    message = message_from_bytes(data)
    writer = Writer()
    attachments: list[Attachment] = []
    warnings: list[str] = []
    bodies = list(_bodies(message, attachments))
    headers = {name: value for name in _SHOWN if (value := _header(message, name))}
    shown = [f"{name}: {value}" for name, value in headers.items()]
    if attachments:
        shown.append("Attachments: " + ", ".join(attachment.name for attachment in attachments))
    writer.add("\n".join(shown), "metadata")
    for body in bodies:
        _write(writer, body, warnings)
    metadata = {name.lower(): value for name, value in headers.items()}
    title = heading_text(headers.get("Subject", ""))
    return Content("email", writer.text, title, writer.blocks, "", metadata, warnings, attachments)


def read_box(data: bytes) -> Content:
    """A box as a list of its mails, each of them an attachment `1.eml`, `2.eml` ...; raises Unreadable for no mails."""
    starts = [found.end() for found in _NEXT_MAIL.finditer(data) if is_mail(data[found.end() :][:8192])]
    if not starts:
        raise Unreadable("it has no mails in it")
    ends = [data.rfind(b"From ", 0, start) for start in starts[1:]] + [len(data)]
    writer = Writer()
    attachments = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        raw = re.sub(rb"^>(>*From )", rb"\1", data[start:end], flags=re.MULTILINE)
        message = message_from_bytes(raw)
        line = " - ".join(part for name in ("Date", "From", "Subject") if (part := _header(message, name)))
        writer.add(f"{number}. {line}", "list", gap="\n")
        attachments.append(Attachment(f"{number}.eml", raw))
    return Content("mailbox", writer.text, "", writer.blocks, attachments=attachments)


def _bodies(message: Message, attachments: list[Attachment]) -> Iterator[Message]:
    """The parts that are read as the mail's text; the others are collected."""
    if message.get_content_type() == "message/rfc822":
        inner = message.get_payload()
        if isinstance(inner, list) and inner and isinstance(inner[0], Message):
            name = _header(inner[0], "Subject") or "mail"
            attachments.append(Attachment(_clean_name(name) + ".eml", inner[0].as_bytes()))
    elif message.is_multipart():
        parts = [part for part in message.get_payload() if isinstance(part, Message)]
        is_alternative = message.get_content_subtype() == "alternative"
        best = _best(parts) if is_alternative else None
        for part in parts:
            if not is_alternative or part is best:
                yield from _bodies(part, attachments)
            elif part.is_multipart():
                # Its words are those of the best one, but there may be attachments beside them.
                deque(_bodies(part, attachments), maxlen=0)
    elif _is_body(message):
        yield message
    else:
        _collect(message, attachments)


def _best(parts: list[Message]) -> Message | None:
    """Of alternatives that say the same: plain text, else HTML, else the last one; None of none."""
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == wanted and _payload(part).strip():
                return part
    return parts[-1] if parts else None


def _is_body(part: Message) -> bool:
    attached = part.get_content_disposition() == "attachment" or part.get_filename()
    return part.get_content_maintype() == "text" and not attached


def _collect(part: Message, attachments: list[Attachment]) -> None:
    inline = part.get_content_maintype() == "image" and (part.get("Content-ID") or not part.get_filename())
    data = _payload(part)
    if inline or not data or part.get_content_type() in ("application/pgp-signature", "application/pkcs7-signature"):
        return
    name = _clean_name(_decoded(part.get_filename() or "")) or f"attachment.{part.get_content_subtype()}"
    attachments.append(Attachment(name, data))


def _write(writer: Writer, part: Message, warnings: list[str]) -> None:
    """One body: in the charset it names if that is true, else in the one that is found."""
    text, problems = _text(part)
    warnings.extend(problems)
    if part.get_content_subtype() == "html":
        page = web.read(text)
        writer.extend(page.text, page.blocks, (), None)
    else:
        whole = text.strip("\n")
        writer.extend(whole, [Block(start, end) for start, end in paragraphs(whole)], (), None)


def _text(part: Message) -> tuple[str, list[str]]:
    data = _payload(part)
    charset = part.get_content_charset()
    try:
        return clean(data.decode(charset or "ascii")), []
    except (UnicodeDecodeError, LookupError):
        pass
    try:
        text, _, warnings = decode(data)
    except Unreadable as error:
        return "", [f"a part of the mail: {error.reason}"]
    return clean(text), warnings


def _payload(part: Message) -> bytes:
    try:
        payload = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        return b""
    return payload if isinstance(payload, bytes) else b""


def _header(message: Message, name: str) -> str:
    try:
        raw = message.get(name, "")
    except (ValueError, LookupError, IndexError, AttributeError):
        return ""
    return heading_text(clean(_decoded(str(raw))))


def _decoded(raw: str) -> str:
    """RFC 2047 words as characters; as they stand where they are broken."""
    try:
        return str(make_header(decode_header(raw)))
    except (ValueError, LookupError, UnicodeError):
        return raw


def _clean_name(name: str) -> str:
    return _NAME.sub("_", heading_text(clean(name))).strip(". ")
