"""Slots of a group are a keyed permutation of the order of issue."""

import hashlib
import hmac
import struct

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

from hushpost_service.tokens.slot_permutation import DEFAULT_EXPECTED, MAX_SLOTS, permuted_slots

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
CAMPAIGN, GROUP = 0x0102030405060708, 9
VECTOR_OF_4096 = [3679, 2428, 2838, 3751, 1022, 3788]
VECTOR_OF_16384 = [6321, 282, 10930, 14775, 12450, 3243]
VECTOR_OF_2_19 = [288306, 264666, 407646, 423413, 384376, 168527]

# Declared sizes, and the slots within which messages up to that size get theirs.
SIZES = {
    1: 4096,
    4096: 4096,
    4097: 8192,
    DEFAULT_EXPECTED: 16_384,
    100_000: 131_072,
    2**18 + 1: 2**19,
}


def slots_of(count: int, expected: int, key: bytes = KEY, start: int = 0) -> list[int]:
    """Return the slots of messages of a group."""
    indexes = np.arange(start, start + count)
    slots: list[int] = permuted_slots(key, CAMPAIGN, GROUP, expected, indexes).tolist()
    return slots


@pytest.mark.parametrize(("expected", "domain"), SIZES.items())
def test_slots_are_a_permutation_of_their_domain(expected: int, domain: int) -> None:
    """As many messages as a group has places fill each place exactly once."""
    assert sorted(slots_of(domain, expected)) == list(range(domain))


@pytest.mark.parametrize("expected", [1, 5000, DEFAULT_EXPECTED])
def test_a_group_that_outgrows_its_size_gets_further_places(expected: int) -> None:
    """Messages beyond the declared size have slots that no earlier message has."""
    domain = SIZES.get(expected, 8192)
    slots = slots_of(3 * domain, expected)
    assert sorted(slots) == list(range(3 * domain))
    assert max(slots[:domain]) < domain


def test_the_parts_of_a_group_are_permuted_differently() -> None:
    """Parts do not share an order."""
    parts = np.array(slots_of(3 * 4096, 1)).reshape(3, 4096) % 4096
    for number in (1, 2):
        assert np.count_nonzero(parts[0] == parts[number]) < 15


@pytest.mark.parametrize("expected", [1, DEFAULT_EXPECTED, 700_000_000, MAX_SLOTS])
def test_slots_are_below_the_limit(expected: int) -> None:
    """The last messages that a group can have get slots, too."""
    slots = slots_of(1000, expected, start=MAX_SLOTS - 1000)
    assert len(set(slots)) == 1000
    assert max(slots) < MAX_SLOTS


def test_slots_do_not_depend_on_how_messages_are_divided_into_calls() -> None:
    """Each slot depends on its index alone."""
    together = slots_of(10_000, 1)
    one_by_one: list[int] = []
    for size in (1, 4095, 1, 4096, 0, 1807):
        one_by_one += slots_of(size, 1, start=len(one_by_one))
    assert one_by_one == together


def test_no_messages_have_no_slots() -> None:
    """An empty list is possible: all messages of a call may be OFF."""
    assert slots_of(0, DEFAULT_EXPECTED) == []


def test_vectors() -> None:
    """The permutation never changes: a call repeated after an update returns the same tokens."""
    assert slots_of(6, 1) == VECTOR_OF_4096
    assert slots_of(6, DEFAULT_EXPECTED) == VECTOR_OF_16384
    assert slots_of(6, 2**18 + 1) == VECTOR_OF_2_19


@pytest.mark.parametrize(("expected", "bits"), [(1, 12), (5000, 13), (2**21, 21)])
def test_the_network_equals_a_plain_computation(expected: int, bits: int) -> None:
    """The slots are those of a computation with integers, without NumPy and HKDF."""
    part = 3
    info = b"hushpost slots v1" + struct.pack(">QIIB", CAMPAIGN, GROUP, part, bits)
    key = hmac.digest(KEY, info + b"\x01", "sha256")
    low_bits, high_bits = bits // 2, bits - bits // 2
    entries = 12 * (2**low_bits + 2**high_bits)
    stream = Cipher(AES(key), CTR(bytes(16))).encryptor().update(bytes(2 * entries))
    numbers = struct.unpack(f"<{entries}H", stream)

    def slot(place: int) -> int:
        high, low = divmod(place, 2**low_bits)
        for start in range(0, entries, 2**low_bits + 2**high_bits):
            low ^= numbers[start + high] % 2**low_bits
            high ^= numbers[start + 2**high_bits + low] % 2**high_bits
        return int(part * 2**bits + high * 2**low_bits + low)

    expected_slots = [slot(place) for place in range(1000)]
    assert slots_of(1000, expected, start=part * 2**bits) == expected_slots


@pytest.mark.parametrize("expected", [1, DEFAULT_EXPECTED, 10**6, MAX_SLOTS])
def test_few_messages_of_a_large_group_are_in_no_order(expected: int) -> None:
    """A group that is declared much larger than it becomes does not tell the order either.

    The slots of its first messages ascend as often as they descend, in the whole domain, and
    in every block of the database. The bounds are six standard deviations.
    """
    count = 4000
    slots = np.array(slots_of(count, expected))
    for block in (1, 4096, 2**18):
        steps = np.diff(slots // block)
        ascending = np.count_nonzero(steps > 0)
        assert abs(ascending - np.count_nonzero(steps < 0)) < 12 * np.sqrt(count / 12)


@pytest.mark.parametrize("expected", [4096, DEFAULT_EXPECTED, 2**18])
def test_the_order_of_slots_does_not_follow_the_order_of_issue(expected: int) -> None:
    """Neither the slots nor the steps between neighbours correlate with the order of issue.

    The bounds are six standard deviations.
    """
    slots = np.array(slots_of(expected, expected))
    bound = 6 / np.sqrt(expected)
    assert abs(np.corrcoef(slots, np.arange(expected))[0, 1]) < bound
    for distance in (1, 2, 16, 256):
        neighbours = np.corrcoef(slots[:-distance], slots[distance:])
        assert abs(neighbours[0, 1]) < bound
    ascending = np.count_nonzero(np.diff(slots) > 0)
    # Ascents of a random permutation have the variance (n + 1) / 12.
    assert abs(ascending - expected / 2) < 6 * np.sqrt(expected / 12)


def test_every_place_is_equally_likely() -> None:
    """Over many campaigns the slots of a message, and pairs of slots, are spread evenly.

    Chi-squared over 64 bins of one slot and over 8 x 8 bins of the first two; the bound is
    exceeded once in about a billion keys.
    """
    draws, bins = 3000, 64
    first = []
    for number in range(draws):
        key = hashlib.sha256(b"%d" % number).digest()
        first.append(slots_of(2, 4096, key))
    slots = np.array(first)
    ones = np.bincount(slots[:, 0] * bins // 4096, minlength=bins)
    pairs = np.bincount(slots[:, 0] * 8 // 4096 * 8 + slots[:, 1] * 8 // 4096, minlength=bins)
    for counts in (ones, pairs):
        chi_squared = float(((counts - draws / bins) ** 2).sum() * bins / draws)
        assert chi_squared < 150


@pytest.mark.parametrize(
    "change", ["key", "bit of the key", "campaign", "group"], ids=lambda change: change
)
def test_another_key_campaign_or_group_gives_an_unrelated_permutation(change: str) -> None:
    """About one message has the same slot by chance, and the orders do not correlate."""
    key = {"key": OTHER_KEY, "bit of the key": bytes([KEY[0] ^ 1, *KEY[1:]])}.get(change, KEY)
    campaign = CAMPAIGN + (change == "campaign")
    group = GROUP + (change == "group")
    size = DEFAULT_EXPECTED
    one = np.array(slots_of(size, size))
    other = permuted_slots(key, campaign, group, size, np.arange(size))
    assert np.count_nonzero(one == other) < 15
    assert abs(np.corrcoef(one, other)[0, 1]) < 6 / np.sqrt(size)
