"""Feeds: each entry under its title, its words without tags; and XML that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.documents.made import read, shown

RSS = """<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand --><?xml-stylesheet href="a.css"?>
<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "http://example.org/rss.dtd">
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>Harbour &amp;amp; Sea</title><link>https://example.org/</link>
<description>R&D & news of the port&amp;sea, &port;.</description>
<item><title>The crane is mended</title><link>https://example.org/1</link>
<pubDate>Tue, 05 Mar 2024 10:00:00 GMT</pubDate>
<category>cranes</category><category>quay</category>
<description>&lt;p&gt;Crane 7 lifts &lt;b&gt;40 t&lt;/b&gt; again.&lt;/p&gt;
&lt;ul&gt;&lt;li&gt;no ice&lt;/li&gt;&lt;/ul&gt;</description>
<content:encoded><![CDATA[<p>It stood still for&nbsp;nine days.</p>]]></content:encoded></item>
<item><description>A note without a title: 3 &lt; 4&hellip;</description></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Lights</title><updated>2024-03-05</updated>
<entry><title type="html">On &lt;i&gt;lamps&lt;/i&gt;</title><author><name>Ada</name></author>
<link rel="self" href="https://example.org/feed"/><link href="https://example.org/2"/>
<summary type="text">A tag is written &lt;b&gt;.</summary>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">
<h2>Oil</h2><p>Whale <b>oil</b> burns.</p></div></content>
</entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="x"><title>Tides</title></channel>
<item rdf:about="y"><title>High water</title><description>At noon.</description><dc:creator>Bo</dc:creator></item>
</rdf:RDF>"""
GROWING = '[<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]'


def test_rss(tmp_path: Path) -> None:
    """Escaped HTML and CDATA are the words of a page; titles are headings; what is known of an entry is a line each."""
    document = read(tmp_path, "a.rss", RSS)
    crane = ("The crane is mended",)
    facts = "Address: https://example.org/1\nDate: Tue, 05 Mar 2024 10:00:00 GMT\nSubject: cranes, quay"
    assert (document.title, document.type, document.warnings) == ("Harbour & Sea", "feed", ())
    assert shown(document) == [
        ("metadata", (), "Address: https://example.org/"),
        ("paragraph", (), "R&D & news of the port&sea, &port;."),
        ("heading", crane, "The crane is mended"),
        ("metadata", crane, facts),
        ("paragraph", crane, "Crane 7 lifts 40 t again."),
        ("list", crane, "- no ice"),
        ("paragraph", crane, "It stood still for nine days."),
        ("paragraph", (), "A note without a title: 3 < 4…"),
    ]


def test_atom(tmp_path: Path) -> None:
    """HTML as elements, and text that only looks like HTML."""
    document = read(tmp_path, "a.xml", ATOM)
    lamps = ("On lamps",)
    assert (document.title, document.type) == ("Lights", "feed")
    assert shown(document) == [
        ("metadata", (), "Updated: 2024-03-05"),
        ("heading", lamps, "On lamps"),
        ("metadata", lamps, "Author: Ada\nAddress: https://example.org/2"),
        ("paragraph", lamps, "A tag is written <b>."),
        ("heading", (*lamps, "Oil"), "Oil"),
        ("paragraph", (*lamps, "Oil"), "Whale oil burns."),
    ]


def test_rss_of_the_first_version(tmp_path: Path) -> None:
    """Its entries stand beside the channel, not in it."""
    document = read(tmp_path, "feed", '<?xml version="1.0"?>' + RDF)
    assert document.title == "Tides"
    assert document.text == "High water\n\nAuthor: Bo\n\nAt noon."


@pytest.mark.parametrize(
    "text",
    [
        f"<!DOCTYPE rss {GROWING}><rss><channel><title>&b;</title></channel></rss>",
        f'<!DOCTYPE rss SYSTEM "x><rss " {GROWING}><rss><channel><title>&b;</title></channel></rss>',
        f"<!DOCTYPE rss SYSTEM '<rss>' {GROWING}><rss><channel><title>&b;</title></channel></rss>",
        "<!---->" * 100 + "<svg><title>A lamp</title></svg>",
        "<?a?>" * 100 + "<project><name>Lamp</name></project>",
    ],
)
def test_other_xml_is_kept_as_it_stands(tmp_path: Path, text: str) -> None:
    """So is what declares entities, of which none is put in, and what begins with more comments than anybody writes."""
    document = read(tmp_path, "a.xml", text)
    assert (document.text, document.type, document.warnings) == (text, "xml", ())


def test_a_feed_that_breaks_off_is_kept_with_a_warning(tmp_path: Path) -> None:
    """Nothing of it is lost, and the reason says where it breaks."""
    document = read(tmp_path, "a.rss", RSS[:-20])
    assert (document.text, document.type) == (RSS[:-20], "xml")
    assert "a feed that is kept with all its tags: it is no XML (unclosed token: line 13" in document.warnings[0]
