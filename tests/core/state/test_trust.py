"""Conditions of trust in a program's name: the path of its script, and an environment without foreign code."""

import pytest

from mozu.core.state.trust import is_bundle, is_interpreted_elsewhere, is_loaded_elsewhere, script_by_its_name

SCRIPT = "/usr/sbin/adduser"


@pytest.mark.parametrize(
    ("given", "cwd"),
    [
        (SCRIPT, "/"), ("/sbin/adduser", "/tmp/"), ("adduser", "/usr/sbin/"), ("./adduser", "/usr/sbin/"),
        ("sbin/adduser", "/usr/"), ("usr//sbin/./adduser", "/"),
    ],
)  # fmt: skip
def test_a_script_that_is_called_by_its_own_path_is_known(given: str, cwd: str) -> None:
    assert script_by_its_name(SCRIPT, given, cwd) == SCRIPT


@pytest.mark.parametrize(
    ("given", "cwd"),
    [
        ("usr/sbin/adduser", "/x/"), ("/x/adduser", "/"), ("/tmp/link/../../usr/sbin/adduser", "/"),
        ("../usr/sbin/adduser", "/etc/"), ("/dev/fd/5", "/"), ("/proc/self/fd/5", "/"), ("", "/usr/sbin/adduser/"),
        ("/usr/sbin/deluser", "/"),
    ],
)  # fmt: skip
def test_a_script_that_is_called_by_another_path_may_be_exchanged(given: str, cwd: str) -> None:
    assert script_by_its_name(SCRIPT, given, cwd) == ""


@pytest.mark.parametrize(
    "environment",
    [
        b"", b"PATH=/tmp:/bin\0HOME=/x", b"LD_PRELOAD=", b"XLD_PRELOAD=/tmp/x", b"A=LD_PRELOAD=/tmp/x",
        b"LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2", b"LD_PRELOAD=libeatmydata.so",
        b"LD_LIBRARY_PATH=/usr/lib/x:/lib/y", b"PYTHONPATH=/tmp", b"BASH_ENV=/tmp/x",
    ],
)  # fmt: skip
def test_a_program_is_its_own_with_an_ordinary_environment(environment: bytes) -> None:
    assert not is_loaded_elsewhere(environment, is_root=False)


@pytest.mark.parametrize(
    "environment",
    [
        b"A=b\0LD_PRELOAD=/tmp/x.so", b"LD_PRELOAD=libx.so:/home/x/y.so", b"LD_PRELOAD=/usr/lib/../../tmp/x.so",
        b"LD_PRELOAD=/usr/lib/a.so ./b.so", b"LD_PRELOAD=$ORIGIN/x.so", b"LD_AUDIT=/tmp/x.so", b"LD_LIBRARY_PATH=/tmp",
        b"LD_LIBRARY_PATH=/usr/lib:", b"LD_LIBRARY_PATH=lib", b"GCONV_PATH=/usr/lib",
    ],
)  # fmt: skip
def test_an_environment_that_names_libraries_of_others_is_recognised(environment: bytes) -> None:
    assert is_loaded_elsewhere(environment, is_root=False)
    assert is_loaded_elsewhere(environment, is_root=True)


@pytest.mark.parametrize(
    "path", [b"/opt/containerd/lib:", b"/opt/containerd/lib:/usr/lib/x", b":/opt/containerd/lib", b":"]
)
def test_containerd_names_its_own_libraries_and_the_directory_of_the_container(path: bytes) -> None:
    environment = b"HOME=/\0LD_LIBRARY_PATH=" + path
    assert not is_loaded_elsewhere(environment, is_root=True, is_in_bundle=True)
    assert is_loaded_elsewhere(environment, is_root=True)


@pytest.mark.parametrize(
    "environment",
    [
        b"LD_LIBRARY_PATH=/opt/containerd/lib:/home/x/lib", b"LD_LIBRARY_PATH=/opt/containerd/../x:",
        b"LD_LIBRARY_PATH=/opt/containerdx/lib:", b"LD_LIBRARY_PATH=rootfs/lib:", b"LD_LIBRARY_PATH=/opt/x/lib:",
        b"LD_LIBRARY_PATH=/opt/containerd/$LIB:", b"LD_PRELOAD=/opt/containerd/lib/x.so", b"LD_PRELOAD=./x.so",
        b"LD_AUDIT=/opt/containerd/lib/x.so", b"LD_LIBRARY_PATH=/opt/containerd/lib:\0LD_PRELOAD=/tmp/x.so",
        b"LD_LIBRARY_PATH=.:/opt/containerd/lib", b"GCONV_PATH=/opt/containerd/lib",
    ],
)  # fmt: skip
def test_in_the_directory_of_a_container_nothing_else_may_be_named(environment: bytes) -> None:
    assert is_loaded_elsewhere(environment, is_root=True, is_in_bundle=True)


def test_the_directory_of_a_container_is_no_other_and_none_below_it() -> None:
    state = "/run/containerd/io.containerd.runtime.v2.task"
    assert is_bundle(f"{state}/k8s.io/0123abcd/")
    assert is_bundle("/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/0123abcd/")
    others = (
        f"{state}/moby/a/rootfs/", f"{state}/moby/a/rootfs/tmp/", f"{state}/moby/", f"{state}/", "/home/x/", "/", "",
        "io.containerd.runtime.v2.task/moby/a/", f"{state}x/moby/a/",
    )  # fmt: skip
    assert [path for path in others if is_bundle(path)] == []


@pytest.mark.parametrize(
    ("executable", "environment"),
    [
        ("bash", b"BASH_ENV=x"), ("dash", b"A=\0ENV=/tmp/x"), ("bash", b"BASH_FUNC_ls%%=() { id; }"),
        ("zsh", b"ZDOTDIR=/tmp"), ("perl", b"PERL5LIB=/tmp"), ("perl", b"PERL5OPT=-Mx"),
        ("python3.11", b"PYTHONPATH=."),
        ("python3.11", b"PYTHONHOME=/tmp"), ("python2.7", b"PYTHONUSERBASE=/tmp"), ("ruby3.1", b"RUBYOPT=-rx"),
        ("ruby3.1", b"RUBYLIB=x"), ("node", b"NODE_OPTIONS=-r x"), ("nodejs", b"NODE_PATH=x"),
        ("php8.2", b"PHPRC=/tmp"), ("gawk", b"AWKPATH=/tmp"), ("tclsh8.6", b"TCLLIBPATH=/tmp"),
    ],
)  # fmt: skip
def test_variables_of_an_interpreter_count_for_it_alone(executable: str, environment: bytes) -> None:
    assert is_interpreted_elsewhere(environment, f"/usr/bin/{executable}")
    assert not is_interpreted_elsewhere(environment, "/usr/bin/lua5.4")
    assert not is_interpreted_elsewhere(environment.partition(b"=")[0] + b"=", f"/usr/bin/{executable}")
    assert not is_interpreted_elsewhere(b"X" + environment.removeprefix(b"A=\0"), f"/usr/bin/{executable}")


def test_what_is_behind_the_bytes_that_are_read_of_an_environment_is_trusted_of_root_alone() -> None:
    long = b"A=" + b"x" * 4093
    assert is_loaded_elsewhere(long, is_root=False)
    assert not is_loaded_elsewhere(long, is_root=True)
    assert not is_loaded_elsewhere(long[:-1], is_root=False)
