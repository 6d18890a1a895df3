import pytest

from mozu.core.model.event import Process
from mozu.core.model.syscalls import flag_table
from tests.core.state.story import Story, read

NEW_USER = dict(flag_table("clone_flags"))["CLONE_NEWUSER"]
NOBODY = 0xFFFFFFFF


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
    story.event("setreuid", 20, res=0, ruid=NOBODY, euid=1001)
    assert (1000, 1001, 1001) == uids(story.process(20))


def test_setreuid_saves_the_new_effective_id(story: Story) -> None:
    story.event("setreuid", 10, res=0, ruid=5, euid=6)
    assert (5, 6, 6) == uids(story.process(10))


def test_setresuid_sets_each(story: Story) -> None:
    story.event("setresuid", 10, res=0, ruid=1, euid=-1, suid=3)
    assert (1, 0, 3) == uids(story.process(10))


def test_groups_follow_the_same_rules(story: Story) -> None:
    story.event("setgid", 10, res=0, gid=7)
    story.event("setresgid", 20, res=0, rgid=1, egid=2, sgid=NOBODY)
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
