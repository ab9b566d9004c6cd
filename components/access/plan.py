"""What has to be done so that LiteLLM has what a stack wants: from the wishes and what is there to a list of requests."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from components.access.objects import (
    CREDENTIAL,
    CUSTOMER,
    KEY,
    KEYS,
    KINDS,
    MARK,
    MASTER_KEY,
    OF_A_KEY,
    ORGANIZATION,
    TEAM,
    USER,
    Call,
    Fields,
    Kind,
    Mark,
    mark_of,
    metadata_of,
    same,
)

Found = Mapping[str, Sequence[Fields]]
"""What LiteLLM has, by section."""

PURGE = "(litellm:access.purge deletes it)"

UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
}
"""Of a period as LiteLLM writes it."""


NAMED_BY = {TEAM: "team_id", USER: "user_id", ORGANIZATION: "org_id"}
"""What has a history, and that keys hang on: the field of a key that names it."""

SEAL_LENGTH = 16


@dataclass
class Plan:
    """What to do, in this order, and what is in the way."""

    calls: list[Call] = field(default_factory=list[Call])

    notes: list[str] = field(default_factory=list[str])
    """What is left as it is, and why."""

    problems: list[str] = field(default_factory=list[str])
    """What makes the rest wrong: nothing is done then."""


class Planner:
    """Compares wishes with what is there. `values` are the secrets, by their files; None where they are not known, and a key is
    told by its mark alone."""

    def __init__(
        self, wishes: Mapping[str, Any], found: Found, values: Mapping[str, str] | None, now: datetime | None = None
    ) -> None:
        self.wishes = wishes
        self.owner: str = wishes["owner"]
        self.found = found
        self.values = values
        self.now = now or datetime.now(UTC)
        self.keys = {str(each["token"]): each for each in found[KEYS]}
        self.aliases = {each.get("key_alias"): token for token, each in self.keys.items()}
        self.marked = dict[str, list[tuple[str, Mark]]]()
        """This stack's keys in LiteLLM, by their name in the file: hash and mark of each."""

        for token, each in self.keys.items():
            if mark := mark_of(each, self.owner):
                self.marked.setdefault(mark["name"], []).append((token, mark))
        self.result = Plan()

    def plan(self) -> Plan:
        for kind in KINDS:
            wanted: Mapping[str, Fields] = self.wishes[kind.section]
            there = {each[kind.id]: each for each in self.found[kind.section]}
            for name, wish in wanted.items():
                asked = self.key(name, wish) if kind is KEY else self.one(kind, name, wish, there)
                self.result.calls += asked
        for kind in reversed(KINDS):
            self.result.calls += self.removed(kind)
        return self.result

    def one(self, kind: Kind, name: str, wish: Fields, found: Mapping[str, Fields]) -> Iterator[Call]:
        """A team, a user, a customer, an organization or a budget, and its members."""
        there = found.get(wish["fields"][kind.id])
        members: Mapping[str, str] = wish.get("members", {})
        mark = self.mark(name, wish, **({"members": sorted(members)} if members else {}), **self.seal(wish, there))
        if there is None:
            yield kind.create(wish, mark, f"{kind.word} {name}: made", wish.get("secrets"))
        elif not (self.is_ours(kind, there) or self.wishes["adopt"]):
            self.result.problems.append(
                f"{kind.word} {name} is there already, and not this stack's: give it another name, or take over what is there "
                "with litellm:access.adopt: true"
            )
        else:
            # First who leaves: the mark, which is written next, is what remembers them.
            yield from self.leaving(name, members, there)
            yield from self.changed(kind, f"{kind.word} {name}", wish, there, mark)
        yield from self.joining(name, members, there or {})

    def mark(self, name: str, wish: Fields, **more: Any) -> Mark:
        metadata = sorted(wish["metadata"])
        return {"stack": self.owner, "name": name, "settings": wish["settings"], "metadata": metadata, **more}

    def seal(self, wish: Fields, there: Fields | None) -> Mark:
        """What tells whether LiteLLM has the values of the store, which it does not show, and tells nothing else."""
        secrets: Mapping[str, str] = wish.get("secrets", {})
        if not secrets:
            return {}
        if self.values is None:
            before = mark_of(there or {}, self.owner) or {}
            return {"secrets": sorted(secrets), "seal": before.get("seal", "")}
        text = json.dumps({name: self.values[file] for name, file in secrets.items()}, sort_keys=True)
        seal = hmac.new(self.values[MASTER_KEY].encode(), text.encode(), "sha256").hexdigest()[:SEAL_LENGTH]
        return {"secrets": sorted(secrets), "seal": seal}

    def changed(self, kind: Kind, called: str, wish: Fields, there: Fields, mark: Mark) -> Iterator[Call]:
        """One request for all that differs."""
        before, old = mark_of(there, self.owner) or {}, metadata_of(there)
        remembered: Fields = before.get("settings", {})
        fields, settings = wish["fields"].items(), wish["settings"].items()
        changes: Fields = {name: value for name, value in fields if name in there and not same(there[name], value)}
        changes |= {
            name: value
            for name, value in settings
            if (kind.marked and remembered.get(name) != value) or (name in there and not same(there[name], value))
        }
        changes |= dict.fromkeys(remembered.keys() - wish["settings"].keys())
        secrets: Mapping[str, str] = wish.get("secrets", {}) if before.get("seal") != mark.get("seal") else {}
        if kind is CREDENTIAL:
            changes = {name: value for name, value in changes.items() if value is not None} | gone_from(before, mark)
        words = ", ".join([*sorted(changes), *(["values"] if secrets else [])]) or "metadata"
        given = wish["metadata"].items()
        if kind.marked and (changes or before != mark or any(not same(old.get(name), value) for name, value in given)):
            # All of the metadata is replaced, so that what others wrote there is sent along.
            kept = {name: value for name, value in old.items() if name not in before.get("metadata", ())}
            changes["metadata"] = {**kept, **wish["metadata"], MARK: json.dumps(mark, sort_keys=True)}
        if changes:
            what = "changed" if self.is_ours(kind, there) else "taken over"
            yield kind.update(there, changes, f"{called}: {what} ({words})", secrets)

    def joining(self, team: str, members: Mapping[str, str], there: Fields) -> Iterator[Call]:
        roles = roles_of(there)
        for member, role in members.items():
            if member not in roles:
                added = {"team_id": team, "member": {"role": role, "user_id": member}}
                yield Call("POST", "/team/member_add", added, f"team {team}: {member} is a member ({role})")
            elif roles[member] != role:
                changed = {"team_id": team, "role": role, "user_id": member}
                yield Call("POST", "/team/member_update", changed, f"team {team}: {member} is {role} now")

    def leaving(self, team: str, members: Mapping[str, str], there: Fields) -> Iterator[Call]:
        """Only whom this stack added."""
        added: Sequence[str] = (mark_of(there, self.owner) or {}).get("members", ())
        for member in added:
            if member not in members and member in roles_of(there):
                gone = {"team_id": team, "user_id": member}
                yield Call("POST", "/team/member_delete", gone, f"team {team}: {member} is no member any more")

    def key(self, name: str, wish: Fields) -> Iterator[Call]:
        """A key: told by the hash of its value, which LiteLLM shows. Another value is a rotation."""
        ours = [each for each in self.marked.get(name, ()) if not each[1].get("retired")]
        token = ours[0][0] if ours and self.values is None else None
        if self.values is not None:
            token = hashed(self.values[OF_A_KEY + name])
            ours = [each for each in ours if each[0] != token]
            yield from (self.retired(name, self.keys[old], wish["overlap"]) for old, _ in ours)
        there = self.keys.get(token or "")
        if self.aliases.get(name, token) not in (token, *(old for old, _ in ours)):
            self.result.problems.append(
                f"key {name}: LiteLLM has a key with this alias that is not this stack's, and takes an alias once: give one of "
                "them another name"
            )
        mark = self.mark(name, wish, rotation=wish["rotation"])
        if there is None:
            # A rotation gives nobody a new budget.
            spent = max((self.keys[old].get("spend") or 0 for old, _ in ours), default=0)
            started = {**wish, "fields": {**wish["fields"], **({"spend": spent} if spent else {})}}
            says = f"key {name}: {'new value' if ours else 'made'}"
            yield KEY.create(started, mark, says, {"key": OF_A_KEY + name})
        else:
            yield from self.changed(KEY, f"key {name}", wish, there, mark)

    def retired(self, name: str, old: Fields, overlap: str) -> Call:
        """The value before a rotation: it works a while longer, under another alias, and LiteLLM itself ends it."""
        expires = ends(old)
        if overlap == "0s" or (expires and expires <= self.now):
            return KEY.delete(old, f"key {name}: the old value is deleted")
        mark: Mark = {"stack": self.owner, "name": name, "retired": True}
        sooner = expires and expires <= self.now + period(overlap)
        changes = {
            "key_alias": f"{name}@{old['token'][:8]}",
            **({} if sooner else {"duration": overlap}),
            "metadata": {**metadata_of(old), MARK: json.dumps(mark, sort_keys=True)},
        }
        return KEY.update(old, changes, f"key {name}: the old value works for {overlap} more, at most")

    def removed(self, kind: Kind) -> Iterator[Call]:
        """What this stack made, and its file does not have any more."""
        ids = {wish["fields"].get(kind.id) for wish in self.wishes[kind.section].values()}
        for there in self.found[kind.section]:
            if kind is KEY:
                yield from self.removed_key(there)
            elif self.is_ours(kind, there) and there[kind.id] not in ids:
                yield from self.let_go(kind, there)

    def removed_key(self, there: Fields) -> Iterator[Call]:
        mark = mark_of(there, self.owner)
        if mark is None:
            return
        is_gone, expires = mark["name"] not in self.wishes[KEYS], ends(there)
        if mark.get("retired") and (is_gone or (expires and expires <= self.now)):
            yield KEY.delete(there, f"key {mark['name']}: the old value is deleted")
        elif is_gone:
            yield KEY.delete(there, f"key {mark['name']}: deleted")

    def let_go(self, kind: Kind, there: Fields) -> Iterator[Call]:
        """Nothing that has a history, or that others hang on, goes by itself."""
        called = f"{kind.word} {there[kind.id]}"
        reason = "" if self.wishes["purge"] or kind not in NAMED_BY else self.why_kept(kind, there)
        if not reason:
            yield kind.delete(there, f"{called}: deleted")
        elif kind is TEAM and not there.get("blocked"):
            yield kind.update(there, {"blocked": True}, f"{called}: blocked, not deleted, as it {reason} {PURGE}")
        else:
            stays = "stays blocked" if kind is TEAM else "stays"
            self.result.notes.append(f"{called}: {stays}, as it {reason} {PURGE}")

    def why_kept(self, kind: Kind, there: Fields) -> str:
        if there.get("spend"):
            return "has spent something"
        if self.others(KEYS, NAMED_BY[kind], there[kind.id]):
            return "has keys that others made"
        if kind is ORGANIZATION and self.others("teams", "organization_id", there[kind.id]):
            return "has teams that others made"
        return ""

    def others(self, section: str, named_by: str, name: str) -> bool:
        """Whether something that this stack did not make hangs on what it would delete."""
        return any(each.get(named_by) == name and mark_of(each, self.owner) is None for each in self.found[section])

    def is_ours(self, kind: Kind, there: Fields) -> bool:
        if kind.marked:
            return mark_of(there, self.owner) is not None
        if kind is CUSTOMER:
            return there.get("budget_id") == f"{self.owner}:customer:{there['user_id']}"
        return str(there["budget_id"]).startswith(f"{self.owner}:")


def gone_from(before: Mark, mark: Mark) -> Fields:
    """Values that a credential had and has not any more: LiteLLM merges those that it gets with those that are there."""

    def names(of: Mark) -> set[str]:
        return {*of.get("secrets", ()), *(of.get("settings", {}).get(CREDENTIAL.into) or ())}

    gone = sorted(names(before) - names(mark))
    return {"credential_values_to_delete": gone} if gone else {}


def roles_of(team: Fields) -> dict[str, str]:
    """Members of a team, and their role in it."""
    members: Sequence[Fields] = team.get("members_with_roles") or ()
    return {each["user_id"]: each["role"] for each in members if each.get("user_id")}


def ends(key: Fields) -> datetime | None:
    """When a key stops working; None for one that does not."""
    try:
        found = datetime.fromisoformat(str(key.get("expires")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def period(text: str) -> timedelta:
    """A period as LiteLLM writes it: `30s`, `30m`, `12h`, `30d`, `4w`, `1mo`."""
    number = text.rstrip("smhdwo")
    return int(number) * UNITS[text.removeprefix(number)]


def hashed(value: str) -> str:
    """What LiteLLM knows a key by."""
    return hashlib.sha256(value.encode()).hexdigest()
