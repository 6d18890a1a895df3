"""proc.trusted_name depends on the file that the kernel has opened, and not on the name by which a program
was called.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mozu.core.model.fields.proc.trusted import trusted_name_of
from mozu.core.state import StateMachine
from mozu.core.state.observed import Executed
from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.acts import trust
from tests.support.live import Act, Live, context, demand
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

OTHER, SCRIPT = trust.OTHER, trust.SCRIPT


@pytest.fixture(scope="module")
@needs_live
def live() -> Iterator[Live]:
    requirements.ebpf()
    requirements.require(Path(SCRIPT).read_bytes()[:2] == b"#!", f"{SCRIPT} is no script")
    wanted = demand("execve", state_dependencies=("tree", "env", "cwd", "ids"))
    with Live(EbpfSource(64 << 20, context()), wanted) as running:
        yield running


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    with TemporaryDirectory(dir="/tmp") as directory:
        yield trust.tree(Path(directory))


def named(live: Live, act: Act, name: str = "") -> str | None:
    """Return proc.trusted_name of the last program that the act has started, which has this name."""
    machine = StateMachine()
    machine.seed()
    machine.apply(live.seen())
    process = act.last("execve").process
    assert process is not None
    assert process.name == (name or process.name)
    return trusted_name_of(process)


@pytest.mark.parametrize("user", [0, OTHER])
@pytest.mark.parametrize(
    ("word", "cwd"),
    [(SCRIPT, "/"), ("./ldd", "/usr/bin"), ("ldd", "/usr/bin"), ("bin/ldd", "/usr"), ("../usr/bin/ldd", "/etc")],
)
def test_a_script_of_root_s_has_its_name(live: Live, word: str, cwd: str, user: int) -> None:
    expected = "bash" if word.startswith("..") else "ldd"  # a name behind `..` may be a link of another user's
    assert named(live, live.act(trust.run, [word, "--version"], cwd, user, {})) == expected


@pytest.mark.parametrize(
    ("words", "cwd", "expected"),
    [
        (["usr/bin/ldd"], "", "bash"),
        (["./usr/bin/ldd"], "", "bash"),
        (["./ldd"], "usr/bin", "bash"),
        (["usr/bin/with_env"], "", "bash"),
        (["chained/ldd"], "", "bash"),
        (["linked/ldd", "--version"], "", "bash"),
        (["bash/ldd", "/usr/bin/ldd", "--version"], "", "bash"),
        (["/bin/bash", "/usr/bin/ldd", "--version"], "", "bash"),
        (["/bin/bash", "usr/bin/ldd"], "", "bash"),
        (["/usr/bin/env", "-S", "bash usr/bin/ldd"], "", "bash"),
        (["./cat", "/dev/null"], "", None),
    ],
)
def test_a_program_that_only_has_the_name_has_it_not_for_rules(
    live: Live, tree: Path, words: list[str], cwd: str, expected: str | None
) -> None:
    assert named(live, live.act(trust.run, words, str(tree / cwd), OTHER, {})) == expected


@pytest.mark.parametrize("way", ["fexecve", "execveat", "/proc/self/fd", "/dev/fd"])
@pytest.mark.parametrize("forged", [True, False])
def test_a_script_that_is_called_by_its_descriptor_is_not_trusted(
    live: Live, tree: Path, way: str, forged: bool
) -> None:
    path = str(tree / "usr/bin/ldd") if forged else SCRIPT
    assert named(live, live.act(trust.run_descriptor, path, way, OTHER)) == "bash"


@pytest.mark.parametrize("user", [0, OTHER])
def test_a_program_that_its_environment_loads_other_code_into_is_not_trusted(live: Live, tree: Path, user: int) -> None:
    env = {"LD_PRELOAD": "./evil.so"}
    assert named(live, live.act(trust.run, [SCRIPT, "--version"], str(tree), user, env)) is None
    assert named(live, live.act(trust.run, ["/usr/bin/cat", "/dev/null"], str(tree), user, env)) is None


@pytest.mark.parametrize(("variable", "expected"), [("BASH_ENV", "bash"), ("ENV", "bash"), ("PYTHONPATH", "ldd")])
def test_a_script_whose_interpreter_runs_other_code_by_its_environment_is_not_trusted(
    live: Live, tree: Path, variable: str, expected: str
) -> None:
    env = {variable: "evil.sh"}
    assert named(live, live.act(trust.run, [SCRIPT, "--version"], str(tree), OTHER, env)) == expected
    assert named(live, live.act(trust.run, ["/usr/bin/cat", "/dev/null"], str(tree), OTHER, env)) == "cat"


@pytest.mark.parametrize(("user", "expected"), [(0, "cat"), (OTHER, None)])
def test_an_environment_that_is_longer_than_is_read_is_trusted_of_root_alone(
    live: Live, user: int, expected: str | None
) -> None:
    act = live.act(trust.run, ["/usr/bin/cat", "/dev/null"], "/", user, {"FILL": "x" * 5000})
    assert named(live, act) == expected


IN_A_USER_NAMESPACE = {
    "a file over another": "mount --bind /usr/bin/cat /usr/bin/ldd && exec /usr/bin/ldd /dev/null",
    "a file system over a directory": "mount -t tmpfs x /opt && cp /usr/bin/cat /opt/ldd && exec /opt/ldd /dev/null",
    "an overlay over a directory": "mount -t overlay x -o lowerdir={tree}:/opt /opt && exec /opt/cat /dev/null",
    "another root": "mount --rbind / /mnt; exec /usr/sbin/chroot /mnt /usr/bin/cat /dev/null",
    "nothing else": "exec /usr/bin/cat /dev/null",
}


@pytest.mark.parametrize("way", IN_A_USER_NAMESPACE)
def test_what_runs_in_a_user_namespace_of_a_user_s_is_not_trusted(live: Live, tree: Path, way: str) -> None:
    text = IN_A_USER_NAMESPACE[way].format(tree=tree)
    name = text.split()[-2].rpartition("/")[2]
    assert named(live, live.act(trust.shell_of_user, text, "-Urm"), name) is None


AS_ROOT_OF_A_CONTAINER = {
    "a file system over a directory": "mount -t tmpfs x /opt && cp /usr/bin/cat /opt/ldd && exec /opt/ldd /dev/null",
    "a file over another": "mount --bind /usr/bin/cat /usr/bin/ldd && exec /usr/bin/ldd /dev/null",
}


@pytest.mark.parametrize("way", AS_ROOT_OF_A_CONTAINER)
def test_what_root_of_a_container_mounts_is_not_trusted(live: Live, way: str) -> None:
    act = live.act(trust.shell, AS_ROOT_OF_A_CONTAINER[way], "-m", "-p", "-f")
    assert named(live, act, "ldd") is None


@pytest.mark.parametrize(
    ("directory", "script", "mode", "expected"),
    [
        (0, 0, "755", "forged"), (OTHER, 0, "755", "dash"), (0, OTHER, "755", "dash"), (0, 0, "775", "dash"),
        (0, 0, "757", "dash"),
    ],
)  # fmt: skip
def test_a_script_is_trusted_if_only_root_can_change_it_and_its_directory(
    live: Live, directory: int, script: int, mode: str, expected: str
) -> None:
    text = (
        "mount -t tmpfs -o mode=755 x /opt && mkdir /opt/a && printf '#!/bin/dash\\n' > /opt/a/forged "
        f"&& chmod {mode} /opt/a/forged && chown {script} /opt/a/forged && chown {directory} /opt/a "
        "&& exec /opt/a/forged"
    )
    assert named(live, live.act(trust.shell, text, "-m"), "forged") == expected


LIBRARIES = {"LD_LIBRARY_PATH": "/opt/containerd/lib:"}
"""Environment that containerd sets for its shims, whose working directory the empty element stands for."""
CAT = ["/usr/bin/cat", "/dev/null"]


@pytest.fixture
def bundle() -> Iterator[Path]:
    """Yield the directory of a container, as containerd makes it in its state; users may pass through it."""
    with TemporaryDirectory(dir="/tmp") as state:
        Path(state).chmod(0o711)
        directory = Path(state, "io.containerd.runtime.v2.task", "moby", "0123abcd")
        directory.mkdir(0o711, parents=True)
        yield directory


@pytest.mark.parametrize(
    ("mode", "owner", "group", "user", "expected"),
    [
        (0o711, 0, 0, 0, "cat"), (0o700, 0, 0, 0, "cat"), (0o710, 0, OTHER, 0, "cat"), (0o711, OTHER, 0, 0, None),
        (0o720, 0, OTHER, 0, None), (0o713, 0, 0, 0, None), (0o1777, 0, 0, 0, None), (0o711, 0, 0, OTHER, None),
    ],
)  # fmt: skip
def test_libraries_beside_a_container_are_trusted_of_root_where_only_root_can_put_them(
    live: Live, bundle: Path, mode: int, owner: int, group: int, user: int, expected: str | None
) -> None:
    os.chown(bundle, owner, group)
    bundle.chmod(mode)
    assert named(live, live.act(trust.run, CAT, str(bundle), user, LIBRARIES)) == expected


def test_libraries_in_no_directory_of_a_container_are_not_trusted(live: Live, bundle: Path) -> None:
    (bundle / "rootfs").mkdir()
    for place in (bundle / "rootfs", bundle.parent, Path("/")):
        assert named(live, live.act(trust.run, CAT, str(place), 0, LIBRARIES)) is None


def test_libraries_in_another_tree_of_mounts_are_not_trusted(live: Live, bundle: Path) -> None:
    assert named(live, live.act(trust.run_in_other_mounts, CAT, str(bundle), LIBRARIES), "cat") is None


@pytest.mark.parametrize("options", [("-m",), ("-p", "-f"), ("-U", "-r")], ids=str)
def test_libraries_beside_a_container_are_not_trusted_in_other_namespaces(
    live: Live, bundle: Path, options: tuple[str, ...]
) -> None:
    text = f"cd {bundle} && export LD_LIBRARY_PATH={LIBRARIES['LD_LIBRARY_PATH']} && exec /usr/bin/cat /dev/null"
    assert named(live, live.act(trust.shell, text, *options), "cat") is None


@pytest.mark.parametrize(
    ("mounted", "expected"),
    [
        ("mount -t tmpfs -o mode=711 x {0}", True), ("mount --bind {0} {0}", True), ("true", True),
        ("mount -t overlay -o lowerdir=/usr:{0} x {0}", False), ("mount -t tmpfs -o mode=711,uid=1 x {0}", False),
    ],
)  # fmt: skip
def test_only_a_directory_that_no_other_user_and_no_container_has_is_root_s(
    live: Live, bundle: Path, mounted: str, expected: bool
) -> None:
    text = f"{mounted.format(bundle)} && cd {bundle} && exec /usr/bin/cat /dev/null"
    observed = live.act(trust.shell, text, "-m").last("execve").observed
    assert isinstance(observed, Executed)
    assert observed.cwd_of_root is expected


def test_a_directory_on_a_file_system_of_a_user_s_is_not_root_s(live: Live) -> None:
    text = "mount -t tmpfs -o mode=711 x /opt && cd /opt && exec /usr/bin/cat /dev/null"
    observed = live.act(trust.shell_of_user, text, "-Urm").last("execve").observed
    assert isinstance(observed, Executed)
    assert observed.cwd_of_root is False
