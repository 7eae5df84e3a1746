"""Files made for a test, and what is read of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from ingest import documents
from search.errors import DocumentError
from search.records import Block, Document

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
DOCX_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
DOCX_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns='
    '"http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
    "</Relationships>"
)


def read(folder: Path, name: str, data: bytes | str) -> Document:
    """The first document of a file of this name and content."""
    return read_all(folder, name, data)[0]


def read_all(folder: Path, name: str, data: bytes | str) -> list[Document]:
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return documents.read(folder / name, str(folder), name)


def reason(folder: Path, name: str, data: bytes | str) -> str:
    with pytest.raises(DocumentError) as caught:
        read_all(folder, name, data)
    assert caught.value.path == name
    return caught.value.reason


def shown(document: Document) -> list[tuple[str, tuple[str, ...], str]]:
    """Kind, heading path and text of each block."""
    return [(block.kind, block.heading, document.text[block.start : block.end]) for block in document.blocks]


def docx(body: str, **parts: str) -> bytes:
    """A Word document with this XML as its body, and other parts by name."""
    head = f'<?xml version="1.0" encoding="UTF-8"?><w:document xmlns:w="{WORD}"><w:body>'
    members = {
        "[Content_Types].xml": DOCX_TYPES,
        "_rels/.rels": DOCX_RELATIONS,
        "word/document.xml": f"{head}{body}</w:body></w:document>",
        **{f"word/{name}.xml": part for name, part in parts.items()},
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, part in members.items():
            archive.writestr(name, part)
    return target.getvalue()


def paragraph(text: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def pdf(*pages: str, title: str = "") -> bytes:
    """A PDF with one line of text, or none, on each page; `title` is what it says of itself."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        drawn = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    info = f" /Info {len(objects) + 1} 0 R" if title else ""
    objects += [f"<< /Title ({title}) >>"] if title else []
    out = "%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    start = out.index("xref\n0")
    out += f"trailer << /Size {len(objects) + 1} /Root 1 0 R{info} >>\nstartxref\n{start}\n%%EOF"
    return out.encode("latin-1")


def check(text: str, blocks: list[Block] | tuple[Block, ...]) -> None:
    text.encode("utf-8")
    assert "\0" not in text
    assert "\r" not in text
    last = 0
    for block in blocks:
        assert last <= block.start < block.end <= len(text)
        last = block.end
