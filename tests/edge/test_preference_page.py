"""The preference page: what it shows, what it changes, and what it does not."""

import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from urllib.parse import urljoin

import pytest

from hushpost_client import (
    Consent,
    DoNotTrack,
    Hushpost,
    Mode,
    PolicyUpdate,
    PreferenceChange,
    PreferenceSource,
    Role,
)
from tests.authority import AuthorityProcess
from tests.conftest import Clients, RunningAuthority, make_tenant
from tests.waiting import eventually

from .conftest import OwnAuthority, send
from .edge_process import EdgeProcess
from .page_content import check_content, text_of
from .raw_http import Connection, HttpResponse, get, post

CONTACT = "reader@example.com"
DECLINED = Consent.DENIED, Consent.DENIED


@dataclass(frozen=True)
class Reader:
    """A contact with the page of its preference token."""

    clients: Clients
    port: int
    token: str

    @property
    def path(self) -> str:
        """The path of the page."""
        return f"/p/{self.token}"

    async def consents(self) -> tuple[Consent | None, Consent | None]:
        """Return the consents to opens and clicks that the authority has."""
        found = await self.clients.sender.preferences.get_preference(CONTACT)
        return found.opens_consent, found.clicks_consent

    async def allow(self) -> None:
        """Grant both consents as the sender."""
        await self.clients.sender.preferences.set_preference(CONTACT, DoNotTrack.FALSE)

    async def log(self) -> list[PreferenceChange]:
        """Return the changes of the preference."""
        changes = self.clients.sender.preferences.list_preference_changes(CONTACT)
        return [change async for change in changes]


async def preference_token(sender: Hushpost) -> str:
    """Return the preference token of a new message to the contact."""
    mailing = await send(sender, [])
    issued = await sender.campaigns.issue_tokens(
        mailing.campaign_id, "all", [CONTACT], include_preference_tokens=True
    )
    (token,) = issued.tokens
    assert token.preference_token is not None
    return token.preference_token


@pytest.fixture
async def reader(edge: EdgeProcess, clients: Clients) -> Reader:
    """A contact that has not decided anything."""
    return Reader(clients, edge.port, await preference_token(clients.sender))


async def test_the_page_says_what_is_recorded(reader: Reader) -> None:
    """It names the mode of each purpose, and the contact's decision."""
    page = text_of(await get(reader.port, reader.path))
    assert "This sender sees when you open an email. You have not decided" in page
    assert "This sender sees when you click which link. You have not decided" in page
    assert "Last changed" not in page
    await reader.clients.sender.preferences.set_preference(CONTACT, opens_consent=Consent.DENIED)
    page = text_of(await get(reader.port, reader.path))
    assert "only how many people in your group open an email, not who they are. You decline" in page
    assert "This sender sees when you click which link. You have not decided" in page
    assert "Last changed on" in page


@pytest.mark.parametrize("mode", list(Mode))
async def test_each_mode_is_described(reader: Reader, mode: Mode) -> None:
    """What a refusal means follows from the sender's policy."""
    await reader.clients.admin.admin.update_policy(PolicyUpdate(mode_when_unset=mode))
    page = text_of(await get(reader.port, reader.path))
    opens = {
        Mode.IDENTIFIED: "sees when you open an email.",
        Mode.ANONYMOUS: "only how many people in your group open an email",
        Mode.AGGREGATE: "only how often an email to your group is opened",
        Mode.OFF: "Nothing is recorded when you open an email.",
    }
    assert [each for each, words in opens.items() if words in page] == [mode]


async def test_the_page_says_who_decided(reader: Reader) -> None:
    """What the sender states is not shown as the recipient's own decision."""
    claim = "The sender states this; you have not decided it here."
    await reader.allow()
    page = text_of(await get(reader.port, reader.path))
    assert page.count(f"You allow it. {claim}") == 2
    await post(reader.port, reader.path, choice="separate", opens="allow", clicks="decline")
    page = text_of(await get(reader.port, reader.path))
    assert "You allow it." in page
    assert claim not in page
    await reader.clients.sender.preferences.set_preference(CONTACT, clicks_consent=Consent.GRANTED)
    page = text_of(await get(reader.port, reader.path))
    assert page.count(claim) == 1


async def test_the_date_of_the_last_open_is_named(reader: Reader) -> None:
    """The page does not hide what the policy keeps, and the sentence ends with a decision."""
    sentence = "keeps the day on which you last opened an email"
    policy = PolicyUpdate(mode_when_unset=Mode.ANONYMOUS, record_last_opens=True)
    await reader.clients.admin.admin.update_policy(policy)
    assert sentence in text_of(await get(reader.port, reader.path))
    response = await post(reader.port, reader.path, choice="decline")
    assert sentence not in text_of(response)


async def test_the_name_of_the_sender_is_escaped(
    authority: RunningAuthority, edge: EdgeProcess
) -> None:
    """The tenant's display name is shown as text, even if it looks like markup."""
    name = '<script>alert(1)</script> & "Söhne"'
    tenant_id = f"t-{uuid.uuid4().hex[:12]}"
    async with authority.client(authority.admin_key) as admin:
        await admin.admin.create_tenant(tenant_id, display_name=name)
        key = await admin.admin.create_api_key(Role.SENDER, tenant_id=tenant_id)
    assert key.secret is not None
    async with authority.client(key.secret) as sender:
        token = await preference_token(sender)
    page = (await get(edge.port, f"/p/{token}")).body.decode()
    assert f"<bdi>{escape(name).replace('&quot;', '&#34;')}</bdi>" in page
    assert "<script" not in page


async def test_a_policy_that_ignores_refusals_is_named(reader: Reader) -> None:
    """The page does not claim that a refusal has an effect if the policy gives it none."""
    await reader.clients.admin.admin.update_policy(PolicyUpdate(anonymization_enabled=False))
    page = text_of(await post(reader.port, reader.path, choice="decline"))
    assert await reader.consents() == DECLINED
    assert "sees when you open an email. You decline" in page
    assert "do not take this into account" in page


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"choice": "decline"}, (Consent.WITHDRAWN, Consent.WITHDRAWN)),
        ({"choice": "allow"}, (Consent.GRANTED, Consent.GRANTED)),
        (
            {"choice": "separate", "opens": "decline", "clicks": "allow"},
            (Consent.WITHDRAWN, Consent.GRANTED),
        ),
        (
            {"choice": "separate", "opens": "allow", "clicks": "decline"},
            (Consent.GRANTED, Consent.WITHDRAWN),
        ),
    ],
)
async def test_a_form_sets_consent(
    reader: Reader, fields: dict[str, str], expected: tuple[Consent, Consent]
) -> None:
    """One button sets both purposes, the other form each; agreement that ends is withdrawn."""
    await reader.allow()
    response = await post(reader.port, reader.path, **fields)
    assert response.status == 200
    assert "Your choice is saved." in text_of(response)
    assert await reader.consents() == expected


async def test_a_choice_can_be_undone(reader: Reader) -> None:
    """The confirmation has a form that restores the earlier consents exactly."""
    await reader.clients.sender.preferences.set_preference(CONTACT, clicks_consent=Consent.GRANTED)
    response = await post(reader.port, reader.path, choice="decline")
    assert await reader.consents() == (Consent.DENIED, Consent.WITHDRAWN)
    hidden = dict(re.findall(rb'<input type="hidden" name="(\w+)" value="(\w+)">', response.body))
    fields = {name.decode(): value.decode() for name, value in hidden.items()}
    assert fields == {"opens": "UNKNOWN", "clicks": "GRANTED"}
    await post(reader.port, reader.path, choice="undo", **fields)
    assert await reader.consents() == (Consent.UNKNOWN, Consent.GRANTED)
    assert [change.details.source_id for change in await reader.log()] == [
        None,
        "preference-page",
        "preference-page/undo",
    ]


async def test_a_confirmed_choice_has_no_undo(reader: Reader) -> None:
    """Submitting a form again, or reloading its response, offers no undo that undoes nothing."""
    await post(reader.port, reader.path, choice="decline")
    response = await post(reader.port, reader.path, choice="decline")
    assert "Your choice is saved." in text_of(response)
    assert b'value="undo"' not in response.body


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"choice": "other"},
        {"choice": "separate", "opens": "allow"},
        {"choice": "separate", "opens": "allow", "clicks": "GRANTED"},
        {"choice": "undo", "opens": "GRANTED"},
        {"choice": "undo", "opens": "GRANTED", "clicks": "UNSPECIFIED"},
        {"List-Unsubscribe": "One-Click"},
    ],
)
async def test_an_incomplete_form_changes_nothing(reader: Reader, fields: dict[str, str]) -> None:
    """Never one half of a choice; the page asks again."""
    response = await post(reader.port, reader.path, **fields)
    assert response.status == 400
    assert "Nothing was changed." in text_of(response)
    assert await reader.log() == []


async def test_a_choice_is_logged_with_its_wording(reader: Reader) -> None:
    """The log names the recipient, the form, and the version and language of the wording."""
    await post(reader.port, reader.path + "?lang=fr", choice="decline")
    await post(reader.port, reader.path, "Accept-Language: it-CH", choice="allow")
    french, italian = [change.details for change in await reader.log()]
    assert {change.source for change in await reader.log()} == {PreferenceSource.RECIPIENT}
    assert (french.wording_language, italian.wording_language) == ("fr", "it")
    assert french.wording_version
    assert italian.wording_version
    assert french.wording_version != italian.wording_version


GATEWAYS = {
    "GET": ("GET", ()),
    "HEAD": ("HEAD", ()),
    "prefetch": ("GET", ("Purpose: prefetch", "Sec-Purpose: prefetch;prerender")),
    "preview": ("GET", ("X-Purpose: preview", "X-Moz: prefetch")),
    "script sandbox": ("GET", ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")),
    "OPTIONS": ("OPTIONS", ()),
    "PUT": ("PUT", ("Content-Length: 0",)),
    "DELETE": ("DELETE", ()),
}


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_fetching_links_changes_nothing(reader: Reader, gateway: str) -> None:
    """Programs that follow every link of the mail and of its pages submit no form."""
    await reader.allow()
    method, headers = GATEWAYS[gateway]
    paths = [reader.path, f"{reader.path}/one-click"]
    fields = "choice=decline&opens=decline&clicks=decline&List-Unsubscribe=One-Click"
    paths += [f"{path}?{fields}" for path in paths]
    page = await get(reader.port, reader.path)
    paths += [
        urljoin(reader.path, link) for link in re.findall(r'href="([^"]+)"', page.body.decode())
    ]
    for path in paths:
        response = await get(reader.port, path, *headers, method=method)
        assert response.status in {200, 405}
    assert await reader.consents() == (Consent.GRANTED, Consent.GRANTED)
    assert len(await reader.log()) == 1


@pytest.mark.parametrize("content_type", ["urlencoded", "multipart"])
async def test_one_click_declines_both(reader: Reader, content_type: str) -> None:
    """The POST of RFC 8058 declines both purposes, in both encodings that the RFC allows."""
    await reader.allow()
    if content_type == "urlencoded":
        response = await post(
            reader.port, f"{reader.path}/one-click", **{"List-Unsubscribe": "One-Click"}
        )
    else:
        response = await post_multipart(reader, "List-Unsubscribe", "One-Click")
    assert response.status == 200
    assert await reader.consents() == (Consent.WITHDRAWN, Consent.WITHDRAWN)
    assert (await reader.log())[-1].details.source_id == "one-click"
    assert (await reader.log())[-1].source is PreferenceSource.RECIPIENT


async def post_multipart(reader: Reader, name: str, value: str) -> HttpResponse:
    """Send a one-click POST as multipart/form-data."""
    body = (
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--edge--\r\n'
    ).encode()
    async with Connection(reader.port) as connection:
        return await connection.get(
            f"{reader.path}/one-click",
            "Content-Type: multipart/form-data; boundary=edge",
            f"Content-Length: {len(body)}",
            method="POST",
            body=body,
        )


async def test_one_click_needs_its_field(reader: Reader) -> None:
    """A POST without the field of RFC 8058 is rejected."""
    assert (await post(reader.port, f"{reader.path}/one-click", choice="decline")).status == 400
    assert (await post_multipart(reader, "List-Unsubscribe", "other")).status == 400
    assert await reader.log() == []


async def test_one_click_shows_the_page_in_a_browser(reader: Reader) -> None:
    """Its links and forms lead to the page itself."""
    response = await get(reader.port, f"{reader.path}/one-click")
    assert response.status == 200
    page = response.body.decode()
    assert set(re.findall(r'action="([^"]+)"', page)) == {f"../{reader.token}"}


async def test_erased_contacts_get_a_page(reader: Reader) -> None:
    """The link in old mail says that the data was erased; a form stores nothing."""
    await reader.clients.sender.preferences.erase_contact(CONTACT)
    for response in (
        await get(reader.port, reader.path),
        await post(reader.port, reader.path, choice="allow"),
    ):
        assert response.status == 200
        assert "has been erased" in text_of(response)
        assert b"<form" not in response.body
    assert await reader.log() == []


@pytest.mark.parametrize("damage", ["cut", "changed", "longer", "characters", "key"])
async def test_damaged_tokens_get_a_page(reader: Reader, damage: str) -> None:
    """A link that is incomplete or changed gets a page with status 404, for GET and POST."""
    other = "A" if reader.token[-10] != "A" else "B"
    token = {
        "cut": reader.token[:-1],
        "changed": reader.token[:-10] + other + reader.token[-9:],
        "longer": reader.token + "A",
        "characters": "%3Cscript%3E" + reader.token[8:],
        "key": reader.token[:1] + "v7" + reader.token[3:],
    }[damage]
    for path in (f"/p/{token}", f"/p/{token}/one-click"):
        for response in (
            await get(reader.port, path),
            await post(reader.port, path, **{"List-Unsubscribe": "One-Click", "choice": "allow"}),
        ):
            assert response.status == 404
            assert "This link does not work" in text_of(response)
            assert b"script" not in response.body
    assert await reader.log() == []


async def test_tokens_of_other_tenants_get_the_same_page(
    authority: RunningAuthority, tmp_path_factory: pytest.TempPathFactory, reader: Reader
) -> None:
    """An edge that serves other tenants does not tell a genuine token from a damaged one."""
    other = await make_tenant(authority)
    created = await reader.clients.installation.admin.create_api_key(
        Role.EDGE, edge_tenant_ids=[other.tenant_id]
    )
    assert created.secret is not None
    folder = tmp_path_factory.mktemp("limited")
    with EdgeProcess(folder, authority.target, created.secret) as edge:
        genuine = await get(edge.port, reader.path)
        assert (await post(edge.port, reader.path, choice="decline")).status == 404
        damaged = await get(edge.port, f"/p/{reader.token[:-10]}{'B' * 10}")
    assert genuine.status == damaged.status == 404
    assert genuine.body == damaged.body
    assert await reader.log() == []


async def test_the_page_is_protected(reader: Reader) -> None:
    """No scripts, no frames, no caching, and no referrer, because the address is secret."""
    responses = [
        await get(reader.port, reader.path),
        await post(reader.port, reader.path, choice="decline"),
        await get(reader.port, "/p/x"),
    ]
    for response in responses:
        check_content(response)
        assert CONTACT not in response.body.decode()


@pytest.mark.parametrize(
    ("query", "header", "language", "title"),
    [
        ("", "", "en", "Email tracking: your choice"),
        ("", "de-AT,de;q=0.9,en;q=0.8", "de", "E-Mail-Tracking: Ihre Wahl"),
        ("", "pl, fr;q=0.5, es;q=0.7", "es", "Seguimiento del correo: su elección"),
        ("?lang=it", "de", "it", "Tracciamento delle e-mail: la sua scelta"),
        ("?lang=%22%3E%3Cscript%3E", "fr-CA", "fr", "Suivi des e-mails : votre choix"),
        ("", "ja;q=x,*", "en", "Email tracking: your choice"),
    ],
)
async def test_the_language_is_the_readers(
    reader: Reader, query: str, header: str, language: str, title: str
) -> None:
    """The browser's preferred language that is available, unless the reader chooses another."""
    headers = [f"Accept-Language: {header}"] if header else []
    response = await get(reader.port, reader.path + query, *headers)
    page = response.body.decode()
    assert f'<html lang="{language}" dir="ltr">' in page
    assert f"<title>{title}</title>" in page
    assert response.headers["content-language"] == language.encode()
    assert "<script" not in page


async def test_large_and_malformed_forms_are_rejected(reader: Reader) -> None:
    """A body is read up to a limit, with few fields and no files."""
    assert (await post(reader.port, reader.path, choice="decline", x="x" * 20_000)).status == 413
    many = {f"field{number}": "" for number in range(20)}
    assert (await post(reader.port, reader.path, choice="decline", **many)).status == 400
    assert (await post_multipart(reader, 'x"; filename="f', "data")).status == 400
    assert await reader.log() == []


async def test_neither_log_nor_metrics_name_the_reader(edge: EdgeProcess, reader: Reader) -> None:
    """The token and the contact are in no log line and no metric."""
    await post(reader.port, reader.path, choice="decline")
    await get(reader.port, reader.path[:-1] + "/" + uuid.uuid4().hex)
    await get(reader.port, reader.path + "A")
    metrics = (await get(edge.port, "/metrics")).body.decode()
    assert 'what="preference_damaged"' in metrics
    for text in (metrics, edge.log_file.read_text()):
        assert reader.token[:20] not in text
        assert CONTACT not in text


@dataclass(frozen=True)
class Outage:
    """An edge with an authority that the test stops."""

    edge: EdgeProcess
    process: AuthorityProcess
    own: OwnAuthority
    path: str


@pytest.fixture
async def outage(
    process: AuthorityProcess, own: OwnAuthority, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Outage]:
    """A contact of an authority that only this test uses."""
    async with Hushpost.connect(process.target, api_key=own.sender_key, tls=False) as sender:
        token = await preference_token(sender)
    folder = tmp_path_factory.mktemp("edge")
    with EdgeProcess(folder, process.target, own.edge_key) as edge:
        yield Outage(edge, process, own, f"/p/{token}")


async def test_an_outage_changes_and_keeps_nothing(outage: Outage) -> None:
    """Without the authority the page says so, and the choice is not stored for later."""
    outage.process.stop()
    for response in (
        await get(outage.edge.port, outage.path),
        await post(outage.edge.port, outage.path, choice="decline"),
        await post(
            outage.edge.port, f"{outage.path}/one-click", **{"List-Unsubscribe": "One-Click"}
        ),
    ):
        assert response.status == 503
        assert "Nothing was changed" in text_of(response)
        assert response.headers["retry-after"] == b"30"
    assert outage.edge.waiting_events() == 0
    outage.process.start()
    async with Hushpost.connect(
        outage.process.target, api_key=outage.own.sender_key, tls=False
    ) as sender:
        preference = await sender.preferences.get_preference(CONTACT)
        assert preference.opens_consent is Consent.UNKNOWN

    async def status() -> int:
        return (await get(outage.edge.port, outage.path)).status

    await eventually(status, 200)
