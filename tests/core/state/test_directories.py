import pytest

from mozu.core.model.event import SyscallEvent
from mozu.core.state.observed import Cwd
from tests.core.state.story import THREAD, Story, read


@pytest.fixture
def story() -> Story:
    story = Story()
    story.has(10, name="bash", ptid=1, cwd="/home/a")
    story.settled()
    return story


@pytest.mark.parametrize(
    ("path", "cwd"),
    [
        ("/srv", "/srv/"),
        ("b", "/home/a/b/"),
        ("..", "/home/"),
        ("../../../..", "/"),
        (".", "/home/a/"),
        ("b//c/", "/home/a/b/c/"),
    ],
)
def test_chdir_moves_by_the_text_of_the_path(story: Story, path: str, cwd: str) -> None:
    assert cwd == read(story.event("chdir", 10, res=0, path=path), "proc.cwd")


def test_a_failed_chdir_moves_nobody(story: Story) -> None:
    assert "/home/a/" == read(story.event("chdir", 10, res=-2, path="/srv"), "proc.cwd")


def test_fchdir_moves_to_what_the_descriptor_stands_for(story: Story) -> None:
    story.open(10, "/opt/d", 5)
    assert "/opt/d/" == read(story.event("fchdir", 10, res=0, fd=5), "proc.cwd")


def test_fchdir_to_an_unknown_descriptor_moves_nobody(story: Story) -> None:
    assert "/home/a/" == read(story.event("fchdir", 10, res=0, fd=5), "proc.cwd")


def test_getcwd_corrects_what_was_missed(story: Story) -> None:
    assert "/else/" == read(story.event("getcwd", 10, res=6, path="/else"), "proc.cwd")


def test_an_unreachable_directory_is_not_believed(story: Story) -> None:
    assert "/home/a/" == read(story.event("getcwd", 10, res=6, path="(unreachable)/x"), "proc.cwd")


def test_chroot_leaves_the_working_directory(story: Story) -> None:
    event = story.event("chroot", 10, res=0, path="jail")
    assert event.process is not None
    assert ("/home/a/", "/home/a/jail") == (read(event, "proc.cwd"), event.process.root)


def test_threads_move_together(story: Story) -> None:
    story.clone(10, 11, flags=THREAD)
    story.clone(10, 12, flags=THREAD)
    story.event("chdir", 11, res=0, path="/srv")
    assert ["/srv/"] * 3 == [read(story.write(tid, 0), "proc.cwd") for tid in (10, 11, 12)]
    assert ["/srv/"] * 3 == [story.process(tid).cwd for tid in (10, 11, 12)]


def test_a_process_and_its_child_move_apart(story: Story) -> None:
    story.clone(10, 20)
    story.event("chdir", 20, res=0, path="/srv")
    assert "/home/a/" == read(story.write(10, 0), "proc.cwd")


def test_the_kernel_knows_best_where_a_chdir_led() -> None:
    story = Story(live=True)
    event = story.event("chdir", 10, res=0, path="link", observed=Cwd("/real/place"))
    assert "/real/place/" == read(event, "proc.cwd")


@pytest.mark.parametrize("args", [(), (0,), (0, None), (0, ""), (-1, "/srv"), (None, "/srv")])
def test_a_getcwd_that_failed_or_does_not_say_where_moves_no_process(story: Story, args: tuple[object, ...]) -> None:
    before = story.process(10).cwd
    story.machine.apply([SyscallEvent("syscall", "getcwd", 0, tid=10, args=args)])
    assert before == story.process(10).cwd
