"""The static files: kept for ever under a name that changes with them, packed for who can unpack, and one of them a stranger's."""

import gzip
import hashlib

from serving.web.assets import FOLDER, Assets
from tests.serving.builders import FixedSource, busy_desk, client_of, service_over

HTMX = "htmx-4.0.1.min.js"
HTMX_SHA256 = (
    "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"  # as published, npm package htmx.org 4.0.1
)


def test_htmx_is_what_was_published_and_its_licence_lies_beside_it():
    assert hashlib.sha256((FOLDER / HTMX).read_bytes()).hexdigest() == HTMX_SHA256
    assert "Zero-Clause BSD" in (FOLDER / "htmx-4.0.1.LICENSE.txt").read_text(encoding="utf-8")
    assert [path.name for path in FOLDER.glob("htmx*.js")] == [HTMX]


def test_an_address_holds_the_hash_of_the_content_and_may_be_kept_for_ever():
    client, assets = client_of(service_over(FixedSource(busy_desk(3)))), Assets()
    for name in ("app.css", "app.js", HTMX):
        asset = assets.at(assets.url(name))
        assert asset is not None
        assert hashlib.sha256(asset.content).hexdigest()[:12] in asset.address
        packed = client.get(asset.address, headers={"Accept-Encoding": "gzip"})
        plain = client.get(asset.address, headers={"Accept-Encoding": "identity"})
        assert packed.content == plain.content == asset.content
        assert (packed.headers["content-encoding"], plain.headers.get("content-encoding")) == ("gzip", None)
        assert int(packed.headers["content-length"]) < len(plain.content) / 2
        assert gzip.decompress(asset.packed) == asset.content
        assert "immutable" in plain.headers["cache-control"]
        assert plain.headers["vary"] == "Accept-Encoding"
    assert client.get("/static/app.000000000000.css").status_code == 404
    assert client.get("/static/htmx-4.0.1.LICENSE.txt").status_code == 404


def test_only_pages_that_exist_are_in_the_navigation():
    client = client_of(service_over(FixedSource(busy_desk(3))))
    page = client.get("/queue").text
    for name, path in (("queue", "/queue"), ("services", "/services"), ("capacity", "/capacity"), ("levels", "/levels"), ("models", "/models")):  # fmt: skip
        assert (f'id="nav-{name}"' in page) == (client.get(path).status_code != 404)
