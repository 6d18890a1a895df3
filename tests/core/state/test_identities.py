import pytest

from mozu.core.model.event import Process
from mozu.core.model.event.namespaces import NAMESPACES
from mozu.core.model.syscalls import event_type, flag_table
from mozu.core.state.observed import Identity
from tests.core.state.story import Story, read

CLONE = dict(flag_table("clone_flags"))
NEW_USER = CLONE["CLONE_NEWUSER"]
UNSET = 0xFFFFFFFF
ALL = (1 << 41) - 1


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(10, name="root", uid=0, gid=0)
    story.has(20, name="user", uid=1000, ruid=1000, suid=1001, gid=100, rgid=100, sgid=101)
    story.settled()
    return story


def uids(process: Process) -> tuple[int, int, int]:
    return process.ruid, process.uid, process.suid


def gids(process: Process) -> tuple[int, int, int]:
    return process.rgid, process.gid, process.sgid


def test_setuid_by_root_changes_all_three(story: Story) -> None:
    story.event("setuid", 10, res=0, uid=33)
    assert (33, 33, 33) == uids(story.process(10))


def test_setuid_by_others_changes_the_effective_id(story: Story) -> None:
    story.event("setuid", 20, res=0, uid=1001)
    assert (1000, 1001, 1001) == uids(story.process(20))


def test_a_failed_setuid_changes_nothing(story: Story) -> None:
    story.event("setuid", 20, res=-1, uid=0)
    assert (1000, 1000, 1001) == uids(story.process(20))


def test_setreuid_leaves_what_is_minus_one(story: Story) -> None:
    story.event("setreuid", 20, res=0, ruid=UNSET, euid=1001)
    assert (1000, 1001, 1001) == uids(story.process(20))


def test_setreuid_saves_the_new_effective_id(story: Story) -> None:
    story.event("setreuid", 10, res=0, ruid=5, euid=6)
    assert (5, 6, 6) == uids(story.process(10))


def test_setresuid_sets_each(story: Story) -> None:
    story.event("setresuid", 10, res=0, ruid=1, euid=-1, suid=3)
    assert (1, 0, 3) == uids(story.process(10))


def test_groups_follow_the_same_rules(story: Story) -> None:
    story.event("setgid", 10, res=0, gid=7)
    story.event("setresgid", 20, res=0, rgid=1, egid=2, sgid=UNSET)
    assert [(7, 7, 7), (1, 2, 101)] == [gids(story.process(tid)) for tid in (10, 20)]


def test_the_event_shows_the_new_identity(story: Story) -> None:
    assert 33 == read(story.event("setuid", 10, res=0, uid=33), "user.uid")


def test_capset_sets_three_masks(story: Story) -> None:
    event = story.event("capset", 10, res=0, cap_inheritable=1, cap_permitted=6, cap_effective=4)
    names = ("inheritable", "permitted", "effective")
    assert ["CAP_CHOWN", "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH", "CAP_DAC_READ_SEARCH"] == [
        read(event, f"thread.cap_{name}") for name in names
    ]


def test_masks_that_capset_does_not_tell_are_empty_and_a_failed_one_sets_none(story: Story) -> None:
    story.event("capset", 10, res=0, cap_inheritable=1, cap_permitted=6, cap_effective=4)
    story.event("capset", 10, res=-1, cap_inheritable=8, cap_permitted=8, cap_effective=8)
    assert (1, 6, 4) == masks(story)
    story.event("capset", 10, res=0)
    assert (0, 0, 0) == masks(story)


def masks(story: Story) -> tuple[int, int, int]:
    process = story.process(10)
    return process.cap_inheritable, process.cap_permitted, process.cap_effective


@pytest.mark.parametrize(("kind", "param"), [("unshare", "flags"), ("setns", "nstype")])
def test_a_new_user_namespace_gives_every_capability(story: Story, kind: str, param: str) -> None:
    story.event(kind, 20, res=0, **{param: NEW_USER})
    assert (1 << 41) - 1 == story.process(20).cap_effective


def test_names_without_an_enricher_are_those_that_need_no_database(story: Story) -> None:
    root, user = story.write(10, 0), story.write(20, 0)
    found = [
        (read(event, "user.name"), read(event, "user.homedir"), read(event, "group.name")) for event in (root, user)
    ]
    assert [("root", "/root", "root"), ("<NA>", "<NA>", "<NA>")] == found


@pytest.mark.parametrize("of", ["u", "g"])
@pytest.mark.parametrize(
    ("kind", "args", "before", "expected"),
    [
        ("set{}id", (5,), (1, 2, 3), (1, 5, 3)),
        ("set{}id", (5,), (1, 0, 3), (5, 5, 5)),
        ("set{}id", (0,), (1, 2, 3), (1, 0, 3)),
        ("set{}id", (-1,), (1, 0, 3), (1, 0, 3)),
        ("set{}id", (None,), (1, 0, 3), (1, 0, 3)),
        ("set{}id", (UNSET,), (1, 0, 3), (1, 0, 3)),
        ("setre{}id", (5, 6), (1, 2, 3), (5, 6, 6)),
        ("setre{}id", (-1, 6), (1, 2, 3), (1, 6, 6)),
        ("setre{}id", (-1, 1), (1, 2, 3), (1, 1, 3)),
        ("setre{}id", (5, -1), (1, 2, 3), (5, 2, 2)),
        ("setre{}id", (-1, -1), (1, 2, 3), (1, 2, 3)),
        ("setre{}id", (None, UNSET), (1, 2, 3), (1, 2, 3)),
        ("setre{}id", (0, 0), (1, 2, 3), (0, 0, 0)),
        ("setres{}id", (5, 6, 7), (1, 2, 3), (5, 6, 7)),
        ("setres{}id", (-1, 6, UNSET), (1, 2, 3), (1, 6, 3)),
        ("setres{}id", (5, None, 7), (1, 2, 3), (5, 2, 7)),
        ("setres{}id", (0, 0, 0), (1, 2, 3), (0, 0, 0)),
    ],
)
def test_real_effective_and_saved_ids_follow_the_rules_of_each_call(
    of: str, kind: str, args: tuple[int | None, ...], before: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    """Check the group ids too: the user id decides which of them may be set."""
    story = Story()
    real, effective, saved = before
    names = [f"r{of}id", f"{of}id", f"s{of}id"]
    privileged = {"uid": 0 if effective == 0 else 9} if of == "g" else {}
    story.has(10, **{**privileged, **dict(zip(names, (real, effective, saved), strict=True))})
    story.settled()
    declared = event_type(kind.format(of))
    assert declared is not None
    given = dict(zip((param.name for param in declared.params[1:]), args, strict=True))
    for result in (-1, None, 1):
        story.event(kind.format(of), 10, res=result, **given)
        assert before == tuple(getattr(story.process(10), name) for name in names)
    known = story.process(10)
    event = story.event(kind.format(of), 10, res=0, **given)
    assert expected == tuple(getattr(story.process(10), name) for name in names)
    assert (expected == before, True) == (story.process(10) is known, event.process is story.process(10))


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (0, set()),
        (CLONE["CLONE_NEWIPC"], {"ipc"}),
        (CLONE["CLONE_NEWNS"] | CLONE["CLONE_NEWNET"], {"mnt", "net"}),
        (CLONE["CLONE_NEWUSER"], {"user"}),
        (CLONE["CLONE_NEWPID"], set()),
        (None, set()),
    ],
)
def test_live_an_unshare_adds_the_namespaces_of_the_caller_itself(flags: int | None, names: set[str]) -> None:
    story = Story(live=True)
    story.has(10, namespaces=NAMESPACES["pid"])
    story.event("unshare", 10, of=10, res=-1, flags=flags)
    assert NAMESPACES["pid"] == story.process(10).namespaces
    story.event("unshare", 10, of=10, res=0, flags=flags)
    assert NAMESPACES["pid"] + sum(NAMESPACES[name] for name in names) == story.process(10).namespaces


def test_recorded_an_unshare_changes_no_namespaces() -> None:
    story = Story()
    story.has(10)
    story.event("unshare", 10, res=0, flags=CLONE["CLONE_NEWNET"])
    assert 0 == story.process(10).namespaces


@pytest.mark.parametrize(("live", "inheritable"), [(True, 0), (False, ALL)])
@pytest.mark.parametrize(("kind", "name"), [("unshare", "flags"), ("setns", "nstype")])
@pytest.mark.parametrize(("result", "has_all"), [(0, True), (4, True), (-1, False), (None, False)])
def test_a_task_that_enters_a_user_namespace_has_every_capability_there(
    kind: str, name: str, live: bool, inheritable: int, result: int | None, has_all: bool
) -> None:
    story = Story(live=live)
    story.has(10, cap_permitted=3, cap_effective=1, cap_inheritable=5)
    story.event(kind, 10, of=10, res=result, **{name: CLONE["CLONE_NEWUSER"]})
    process = story.process(10)
    assert ((ALL, ALL, inheritable) if has_all else (3, 1, 5)) == (
        process.cap_permitted, process.cap_effective, process.cap_inheritable,
    )  # fmt: skip


def test_live_the_kernel_says_which_ids_a_thread_has_after_a_call_whether_it_succeeded_or_not() -> None:
    said = Identity(ruid=1, uid=2, suid=3, rgid=4, gid=5, sgid=6, cap_permitted=7, cap_effective=8)
    for kind in ("setuid", "setresgid", "setfsuid"):
        story = Story(live=True)
        story.has(10)
        event = story.event(kind, 10, of=10, observed=said)
        known = story.process(10)
        assert [getattr(said, name) for name in said.__struct_fields__] == [
            getattr(known, name) for name in said.__struct_fields__
        ]
        assert event.process is known
        story.event(kind, 10, of=10, observed=said)
        assert story.process(10) is known
