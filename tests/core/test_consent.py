"""Consent records: what is read, what holds, what is refused."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from faceplate.core.consent import (
    Consent,
    check_consent,
    consent_from_json,
    read_consent,
    read_revocations,
)
from faceplate.core.errors import ConsentError

TODAY = date(2026, 5, 1)
TEXT = """\
[consent]
performer = "A. Performer"
reference = "release 2026-114"
scope = "feature film, all territories"
shots = ["sc042_*", "sc050_0010"]
expires = 2030-01-01
"""


def record(tmp_path: Path, text: str = TEXT) -> Consent:
    path = tmp_path / "ana.consent.toml"
    path.write_text(text, encoding="utf-8")
    return read_consent(path)


def test_a_record_is_read_as_written(tmp_path: Path) -> None:
    consent = record(tmp_path)

    assert consent.performer == "A. Performer"
    assert consent.shots == ("sc042_*", "sc050_0010")
    assert consent.expires == date(2030, 1, 1)


def test_a_record_comes_back_from_json(tmp_path: Path) -> None:
    consent = record(tmp_path, TEXT + '[signature]\nkey = "k"\nvalue = "v"\n')

    again = consent_from_json(consent.to_json(), "ana.actor")

    assert again == consent
    assert again.digest == consent.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A. Performer", "B. Performer"),
        ("2026-114", "2026-115"),
        ("all territories", "Europe"),
        ("sc042_*", "sc04*"),
        ("2030-01-01", "2030-01-02"),
    ],
)
def test_the_digest_changes_with_what_was_agreed(old: str, new: str, tmp_path: Path) -> None:
    assert record(tmp_path, TEXT.replace(old, new)).digest != record(tmp_path).digest


def test_the_digest_does_not_change_with_a_signature(tmp_path: Path) -> None:
    signed = record(tmp_path, TEXT + '[signature]\nkey = "k"\nvalue = "v"\n')

    assert signed.signature is not None
    assert signed.digest == record(tmp_path).digest


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT + 'colour = "red"\n', "colour is not an entry"),
        (TEXT.replace("scope", "# scope"), "scope is missing"),
        (TEXT.replace("expires", "# expires"), "expires is needed"),
        (TEXT.replace("2030-01-01", '"soon"'), "expires"),
        (TEXT.replace('"A. Performer"', "3"), "performer"),
        (TEXT.replace('"A. Performer"', '" "'), "performer"),
        (TEXT.replace('["sc042_*", "sc050_0010"]', '"*"'), "shots"),
        (TEXT + "[more]\n", r"unknown table \[more\]"),
        ("performer = 1\n", r"unknown table \[performer\]"),
        ("", r"no table \[consent\]"),
        ("[consent", "not TOML"),
    ],
)
def test_a_faulty_record_is_one_sentence_with_file_and_entry(
    text: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ConsentError, match=reason) as caught:
        record(tmp_path, text)

    assert "ana.consent.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_record_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConsentError, match="No such file"):
        read_consent(tmp_path / "no.toml")


def test_only_a_synthetic_performer_needs_no_end(tmp_path: Path) -> None:
    text = TEXT.replace("expires", "# expires").replace("A. Performer", "synthetic")

    assert record(tmp_path, text).expires is None


@pytest.mark.parametrize(
    ("shot", "today", "holds"),
    [
        ("sc042_0130", TODAY, True),
        ("sc050_0010", TODAY, True),
        ("sc050_0020", TODAY, False),
        ("SC042_0130", TODAY, False),
        ("xsc042_0130", TODAY, False),
        ("sc042_0130", date(2030, 1, 1), True),
        ("sc042_0130", date(2030, 1, 2), False),
    ],
)
def test_consent_holds_for_its_shots_until_its_last_day(
    shot: str, today: date, holds: bool, tmp_path: Path
) -> None:
    consent = record(tmp_path)

    if holds:
        check_consent(consent, shot, today)
    else:
        with pytest.raises(ConsentError) as caught:
            check_consent(consent, shot, today)
        assert "--draft" in caught.value.hint
        assert caught.value.exit_code == 5


def test_no_record_is_refused() -> None:
    with pytest.raises(ConsentError) as caught:
        check_consent(None, "sc042_0130", TODAY)

    assert "--draft" in caught.value.hint


@pytest.mark.parametrize("by", ["reference", "digest"])
def test_a_withdrawn_record_is_refused(by: str, tmp_path: Path) -> None:
    consent = record(tmp_path)
    path = tmp_path / "withdrawn.txt"
    path.write_text(f"# of this spring\n\n{getattr(consent, by)}  # by letter\n", encoding="utf-8")

    revocations = read_revocations(path)

    with pytest.raises(ConsentError, match="withdrawn"):
        check_consent(consent, "sc042_0130", TODAY, revocations)


def test_a_list_without_the_record_changes_nothing(tmp_path: Path) -> None:
    check_consent(record(tmp_path), "sc042_0130", TODAY, frozenset({"release 2026-11"}))


def test_a_list_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConsentError, match="cannot be read"):
        read_revocations(tmp_path / "none.txt")


def test_no_list_withdraws_nothing() -> None:
    assert read_revocations(None) == frozenset()
