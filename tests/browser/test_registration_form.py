"""The example of a sign-up form in a browser: what it stores, and when it stores nothing."""

import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from hushpost_client import Consent, Hushpost, PreferenceChange, PreferenceSource
from tests.authority import AuthorityProcess
from tests.conftest import RunningAuthority, make_tenant
from tests.free_port import free_port
from tests.http_process import HttpProcess
from tests.waiting import eventually

from .windows import NARROW, Windows, overflow, violations

FOLDER = Path(__file__).parents[2] / "examples" / "registration_form"
GRANIAN = Path(sys.executable).with_name("granian")
ADA = "ada@example.com"
GRACE = "grace@example.com"


@dataclass(frozen=True)
class Form:
    """A running form, and a client of its tenant."""

    url: str
    data: Path
    sender: Hushpost

    def subscribers(self) -> list[str]:
        """Return the registered addresses."""
        with closing(sqlite3.connect(self.data / "subscribers.db")) as database:
            return [address for (address,) in database.execute("select address from subscribers")]

    async def log(self) -> list[PreferenceChange]:
        """Return the tenant's log of decisions."""
        return [change async for change in self.sender.preferences.list_preference_changes()]


@asynccontextmanager
async def running_form(authority: str, key: str, folder: Path) -> AsyncIterator[Form]:
    """Run the example as its page says."""
    port = free_port()
    options = f"--interface asgi --factory app:create_app --no-log --port {port}"
    environment = {
        **os.environ,
        "HUSHPOST_AUTHORITY": authority,
        "HUSHPOST_API_KEY": key,
        "FORM_DATA": str(folder / "data"),
        # No bytecode in the source tree.
        "PYTHONPYCACHEPREFIX": str(folder),
    }
    command = [str(GRANIAN), *options.split(), "--working-dir", str(FOLDER)]
    with HttpProcess(command, port, folder / "form.log", environment, "/"):
        async with Hushpost.connect(authority, api_key=key, tls=False) as sender:
            yield Form(f"http://127.0.0.1:{port}/", folder / "data", sender)


@pytest.fixture(scope="module")
async def shared_form(
    authority: RunningAuthority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Form]:
    """A form whose tenant has further decisions from other tests."""
    tenant = await make_tenant(authority)
    folder = tmp_path_factory.mktemp("form")
    async with running_form(authority.target, tenant.sender_key, folder) as form:
        yield form


@pytest.fixture
async def form(shared_form: Form) -> Form:
    """A form without subscribers."""
    with closing(sqlite3.connect(shared_form.data / "subscribers.db")) as database, database:
        database.execute("delete from subscribers")
    return shared_form


def box(page: Page, purpose: str) -> Locator:
    """Return the checkbox of a purpose."""
    return page.locator(f'input[name="{purpose}"]')


async def submit(page: Page, address: str, *purposes: str) -> None:
    """Fill in the form, tick boxes, and send it."""
    await page.locator("#address").fill(address)
    for purpose in purposes:
        await box(page, purpose).check()
    await page.locator("button").click()


@pytest.mark.parametrize("scripts", ["with scripts", "without scripts"])
async def test_consent_is_stored_with_evidence(form: Form, windows: Windows, scripts: str) -> None:
    """The log says who decided what, when, on which wording in which language, and where."""
    count = len(await form.log())
    before = datetime.now(UTC)
    page = await windows.open(
        form.url, locale="fr-CA", java_script_enabled=scripts == "with scripts"
    )
    await expect(page.locator("input:checked")).to_have_count(0)
    question = await box(page, "opens").locator("xpath=..").inner_text()
    await submit(page, f" {scripts.replace(' ', '-').upper()}@example.com", "opens")
    await expect(page.get_by_role("status")).to_have_text(
        "Merci. Vous recevrez la prochaine lettre."
    )
    await page.reload()  # sends nothing again
    assert form.subscribers() == [f"{scripts.replace(' ', '-')}@example.com"]
    (change,) = (await form.log())[count:]
    assert change.new_opens_consent is Consent.GRANTED
    assert change.new_clicks_consent is Consent.DENIED
    assert change.opens_decided
    assert change.clicks_decided
    assert change.source is PreferenceSource.SENDER
    assert change.evidence == "boxes ticked: opens True, clicks False"
    details = change.details
    assert details.source_id == "registration-form"
    assert details.wording_language == "fr"
    assert details.decision_time is not None
    assert before - timedelta(seconds=5) < details.decision_time <= change.change_time
    archived = form.data / "wordings" / f"fr-{details.wording_version}.toml"
    assert question in archived.read_text("utf-8")


async def test_the_letter_does_not_depend_on_consent(form: Form, windows: Windows) -> None:
    """With empty boxes, the person is subscribed, and both purposes are refused."""
    page = await windows.open(form.url)
    await submit(page, GRACE)
    await expect(page.get_by_role("status")).to_be_visible()
    assert form.subscribers() == [GRACE]
    change = (await form.log())[-1]
    assert change.new_opens_consent is change.new_clicks_consent is Consent.DENIED


async def test_an_invalid_address_is_explained(form: Form, windows: Windows) -> None:
    """The error is next to the field, what was ticked is kept, and nothing is stored."""
    count = len(await form.log())
    page = await windows.open(form.url, errors=["422"])
    await submit(page, "ada@example", "clicks")  # valid for the browser
    await expect(page.get_by_role("alert")).to_contain_text("Nothing has been saved yet.")
    field = page.locator("#address")
    await expect(field).to_be_focused()
    await expect(field).to_have_accessible_description(await page.get_by_role("alert").inner_text())
    assert await field.get_attribute("aria-invalid") == "true"
    assert await field.input_value() == "ada@example"
    await expect(box(page, "clicks")).to_be_checked()
    await expect(box(page, "opens")).not_to_be_checked()
    assert await violations(page) == []
    assert form.subscribers() == []
    assert len(await form.log()) == count


async def test_consent_is_to_the_text_that_was_read(form: Form, windows: Windows) -> None:
    """If the text changed after the page was opened, the person decides again."""
    count = len(await form.log())
    page = await windows.open(form.url, errors=["409"])
    await page.locator('input[name="wording"]').evaluate("input => { input.value = 'earlier' }")
    await submit(page, ADA, "opens", "clicks")
    await expect(page.get_by_role("alert")).to_contain_text("Our text has changed")
    await expect(page.locator("input:checked")).to_have_count(0)
    assert await page.locator("#address").input_value() == ADA
    assert len(await form.log()) == count
    await submit(page, ADA, "clicks")
    await expect(page.get_by_role("status")).to_be_visible()
    assert len(await form.log()) == count + 1


async def test_subscribers_cannot_be_changed_or_found(form: Form, windows: Windows) -> None:
    """Who enters another person's address changes nothing, and sees the same page."""
    texts = []
    for purposes in ((), ("opens", "clicks")):
        page = await windows.open(form.url)
        await submit(page, ADA, *purposes)
        await expect(page.get_by_role("status")).to_be_visible()
        texts.append(await page.locator("body").inner_text())
    assert texts[0] == texts[1]
    assert (await form.log())[-1].new_opens_consent is Consent.DENIED


async def test_the_keyboard_is_enough(form: Form, windows: Windows) -> None:
    """Tab, Space and Enter fill in the form and send it."""
    page = await windows.open(form.url)
    await page.keyboard.press("Tab")
    await page.keyboard.type(ADA)
    for key in ("Tab", "Tab", "Space", "Tab", "Enter"):
        await expect(page.locator(":focus-visible")).to_have_count(1)
        await page.keyboard.press(key)
    await expect(page.get_by_role("status")).to_be_visible()
    change = (await form.log())[-1]
    assert (change.new_opens_consent, change.new_clicks_consent) == (
        Consent.DENIED,
        Consent.GRANTED,
    )


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_the_pages_are_accessible(form: Form, windows: Windows, language: str) -> None:
    """Form and confirmation fit 360 pixels and are accessible in both themes."""
    page = await windows.open(form.url, locale=language, viewport=NARROW)
    for path in ("", f"thanks?lang={language}"):
        await page.goto(form.url + path)
        assert await page.locator("html").get_attribute("lang") == language
        assert await overflow(page) <= 0
        await page.emulate_media(color_scheme="light")
        assert await violations(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await violations(page, "color-contrast") == []


async def test_an_outage_is_not_hidden(windows: Windows, tmp_path: Path) -> None:
    """Without the authority no one is subscribed; the entries are kept and can be sent again."""
    with AuthorityProcess(tmp_path / "authority") as process:
        keys = await make_tenant(RunningAuthority.of(process))
        async with running_form(process.target, keys.sender_key, tmp_path) as form:
            process.stop()
            page = await windows.open(form.url, errors=["503"])
            await submit(page, ADA, "clicks")
            await expect(page.get_by_role("alert")).to_contain_text(
                "you are not subscribed", timeout=20_000
            )
            await expect(box(page, "clicks")).to_be_checked()
            assert form.subscribers() == []
            process.start()

            async def is_sent() -> bool:
                async with page.expect_navigation():
                    await page.locator("button").click()
                return await page.get_by_role("status").count() == 1

            await eventually(is_sent, expected=True)
            assert form.subscribers() == [ADA]
            (change,) = await form.log()
            assert change.new_clicks_consent is Consent.GRANTED
