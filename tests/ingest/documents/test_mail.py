"""Mails, their attachments, and boxes of them."""

from __future__ import annotations

from pathlib import Path

from tests.ingest.documents.made import read_all

MAIL = (
    "From: =?utf-8?q?J=C3=B6rg?= <joerg@example.org>\r\nTo: Ada <ada@example.org>\r\nSubject: The plan\r\n"
    "Date: Mon, 1 Jan 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    "--B\r\nContent-Type: multipart/alternative; boundary=A\r\n\r\n--A\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n--A\r\nContent-Type: text/html\r\n\r\n"
    "<p>the same</p>\r\n--A--\r\n--B\r\nContent-Type: text/markdown\r\nContent-Disposition: attachment; "
    'filename="notes.md"\r\n\r\n# Notes\r\n\r\nWords.\r\n--B\r\nContent-Type: application/pdf\r\n'
    'Content-Disposition: attachment; filename="broken.pdf"\r\n\r\n%PDF-1.7 nothing\r\n--B--\r\n'
)


def test_mail_and_its_attachments(tmp_path: Path) -> None:
    """Headers, the plain body, each attachment as a document of its own; one that can't be read is a warning."""
    mail, notes = read_all(tmp_path, "a.eml", MAIL)
    assert (mail.type, mail.title) == ("email", "The plan")
    assert mail.metadata["from"] == "Jörg <joerg@example.org>"
    assert mail.text.endswith("Attachments: notes.md, broken.pdf\n\nGrüße")
    assert "the same" not in mail.text
    assert mail.warnings[0].startswith("the attachment broken.pdf: it is cut off")
    assert (notes.path, notes.title, notes.type) == ("a.eml/notes.md", "Notes", "markdown")
    assert notes.hash == mail.hash


def test_attachments_inside_of_an_alternative_are_read(tmp_path: Path) -> None:
    """Some programs put them beside the HTML, within the part that says the same as the plain text."""
    html = "Content-Type: text/html\n\n<p>the same</p>\n"
    attached = 'Content-Type: text/markdown\nContent-Disposition: attachment; filename="notes.md"\n\n# Notes\n\nWord.\n'
    picture = "Content-Type: image/png\nContent-ID: <1>\n\nPNG\n"
    mixed = f"Content-Type: multipart/mixed; boundary=M\n\n--M\n{html}--M\n{attached}--M\n{picture}--M--\n"
    plain = "Content-Type: text/plain\n\nGreetings\n"
    head = "From: a@example.org\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=A\n\n"
    mail, notes = read_all(tmp_path, "a.eml", f"{head}--A\n{plain}--A\n{mixed}--A--\n")
    assert mail.text.endswith("Attachments: notes.md\n\nGreetings")
    assert "the same" not in mail.text
    assert (notes.path, notes.title) == ("a.eml/notes.md", "Notes")


def test_a_box_of_mails(tmp_path: Path) -> None:
    """An MBOX is a list of its mails, each a document of its own."""
    headers = "From: a@example.org\nTo: b@example.org\nSubject: One\n\n"
    one = f"From a@example.org Mon Jan  1 10:00:00 2024\n{headers}First.\n\n"
    box, first, second = read_all(tmp_path, "in.mbox", one + one.replace("One", "Two").replace("First", ">From second"))
    assert box.type == "mailbox"
    assert box.text == "1. a@example.org - One\n2. a@example.org - Two"
    assert (first.path, first.title) == ("in.mbox/1.eml", "One")
    assert second.text.endswith("From second.")


def test_a_mail_in_a_mail_in_a_mail(tmp_path: Path) -> None:
    """Nesting has an end, and the end is said."""
    inner = "From: a@example.org\nSubject: inner\n\nWords.\n"
    for _ in range(8):
        inner = (
            "From: a@example.org\nSubject: outer\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B"
            f"{len(inner)}\n\n--B{len(inner)}\nContent-Type: message/rfc822\n\n{inner}\n--B{len(inner)}--\n"
        )
    found = read_all(tmp_path, "a.eml", inner)
    assert len(found) == 6
    assert "nested too deep" in found[-1].warnings[0]


def test_attachments_of_one_name(tmp_path: Path) -> None:
    """Two attachments of the same name are two documents, and a name is one step of a path."""
    part = '--B\nContent-Type: text/plain\nContent-Disposition: attachment; filename="../a.txt"\n\n{}\n'
    head = "From: a@example.org\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
    found = read_all(tmp_path, "m.eml", head + part.format("one") + part.format("two") + "--B--\n")
    assert [(one.path, one.text) for one in found[1:]] == [("m.eml/_a.txt", "one"), ("m.eml/2-_a.txt", "two")]
