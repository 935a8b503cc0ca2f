"""The files of app links: apple-app-site-association and assetlinks.json."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hushpost_edge.app_links import AppLinksError, check_app_link_files
from hushpost_edge.settings import Settings
from hushpost_runtime.settings import read_settings

from .edge_process import EdgeProcess
from .raw_http import get
from .test_general_pages import BROWSER

APPLE = "/.well-known/apple-app-site-association"
ANDROID = "/.well-known/assetlinks.json"
APPLE_JSON = b'{"applinks": {"details": [{"appIDs": ["A.example"], "components": []}]}}\n'
ANDROID_JSON = b'[{"relation": ["delegate_permission/common.handle_all_urls"]}]'


@pytest.fixture
def edge_with_files(edge_key: str, tmp_path: Path) -> Iterator[EdgeProcess]:
    """Start an edge that has both files, and no authority."""
    apple, android = tmp_path / "apple.json", tmp_path / "android.json"
    apple.write_bytes(APPLE_JSON)
    android.write_bytes(ANDROID_JSON)
    options = (f"--apple-app-site-association={apple}", f"--assetlinks={android}")
    with EdgeProcess(tmp_path, "127.0.0.1:1", edge_key, *options, path="/healthz") as edge:
        yield edge


def replace(file: Path, content: bytes) -> None:
    """Replace a file at once, as deployment tools do."""
    new = file.with_suffix(".new")
    new.write_bytes(content)
    new.replace(file)


async def test_files_are_served_as_json(edge_with_files: EdgeProcess) -> None:
    """The files are answered byte for byte, without a redirect, as the systems require."""
    for path, content in ((APPLE, APPLE_JSON), (ANDROID, ANDROID_JSON)):
        response = await get(edge_with_files.port, path)
        assert (response.status, response.body) == (200, content)
        assert response.headers["content-type"] == b"application/json"
        head = await get(edge_with_files.port, path, method="HEAD")
        assert head.headers["content-length"] == str(len(content)).encode()
        assert (await get(edge_with_files.port, path, method="POST")).status == 405
        assert (await get(edge_with_files.port, f"{path}/")).status == 404


async def test_changed_files_are_read_again(edge_with_files: EdgeProcess) -> None:
    """A valid change is served; while a file is invalid or missing, its last valid content is."""
    file = edge_with_files.folder / "apple.json"
    for content in (b'{"applinks": {}}', b'{"appclips": {}}'):
        replace(file, content)
        assert (await get(edge_with_files.port, APPLE)).body == content
    replace(file, b"{")
    assert (await get(edge_with_files.port, APPLE)).body == b'{"appclips": {}}'
    file.unlink()
    for _ in range(3):
        assert (await get(edge_with_files.port, APPLE)).body == b'{"appclips": {}}'
    replace(file, b"{}")
    assert (await get(edge_with_files.port, APPLE)).body == b"{}"
    # Once for the invalid and once for the missing file.
    assert edge_with_files.log_file.read_text().count("app links file not read") == 2


async def test_a_worker_starts_without_a_valid_file(edge_with_files: EdgeProcess) -> None:
    """A worker that restarts while a file is invalid serves everything else."""
    replace(edge_with_files.folder / "apple.json", b"{")
    edge_with_files.kill_workers()
    edge_with_files.wait()
    assert (await get(edge_with_files.port, APPLE, BROWSER)).status == 404
    assert (await get(edge_with_files.port, ANDROID)).body == ANDROID_JSON


async def test_files_that_are_not_configured_do_not_exist(edge: EdgeProcess) -> None:
    """Without the options, the paths are pages with status 404."""
    for path in (APPLE, ANDROID):
        assert (await get(edge.port, path, BROWSER)).status == 404


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no valid JSON"),
        (b"{'applinks': 1}", "no valid JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b'{"a": "\xe4"}', "UTF-8"),
        (b"[" * 100_000, "no valid JSON"),
        (b"[]", "not a JSON object"),
        (b'{"a": "' + b"x" * (128 * 1024) + b'"}', "larger than 131072 bytes"),
    ],
)
def test_invalid_files_are_reported(tmp_path: Path, content: bytes, message: str) -> None:
    """A file that is too large or not a JSON object is an error at the start."""
    file = tmp_path / "apple.json"
    file.write_bytes(content)
    settings = read_settings(Settings, apple_app_site_association=file)
    with pytest.raises(AppLinksError, match=message) as caught:
        check_app_link_files(settings)
    assert str(file) in str(caught.value)


def test_assetlinks_is_an_array(tmp_path: Path) -> None:
    """The file for Android is an array, unlike Apple's; the largest size is allowed."""
    file = tmp_path / "assetlinks.json"
    file.write_bytes(b"[" + b" " * (128 * 1024 - 2) + b"]")
    settings = read_settings(Settings, assetlinks=file)
    check_app_link_files(settings)
    file.write_bytes(b"{}")
    with pytest.raises(AppLinksError, match="not a JSON array"):
        check_app_link_files(settings)
