"""Names of programs that only root can have put in their place."""

import pytest

from mozu.core.model.fields.proc.trusted import GivenProgram, trusted_name_of

UPPER, MEMFD, LOWER = 2, 4, 8


@pytest.mark.parametrize(
    ("name", "exepath", "args", "found"),
    [
        ("apt", "/usr/bin/apt", (), "apt"),
        ("vigr", "/usr/sbin/vipw", (), "vipw"),
        ("systemd-userwor", "/usr/lib/systemd/systemd-userwork", (), "systemd-userwor"),
        ("adduser", "/usr/bin/perl", ("/usr/sbin/adduser", "x"), "adduser"),
        ("unattended-upgr", "/usr/bin/python3.11", ("/usr/bin/unattended-upgrade",), "unattended-upgr"),
        ("ifup.sh", "/usr/bin/dash", ("-e", "/usr/lib/x/ifup.sh"), "ifup.sh"),
        ("firewalld", "/usr/bin/python3.11", ("-sP", "/usr/sbin/firewalld"), "firewalld"),
        ("status", "/usr/bin/perl", ("-wT", "/usr/lib/cgi-bin/status"), "status"),
        ("status", "/usr/bin/ruby3.1", ("-w", "/usr/bin/status"), "status"),
        ("status", "/usr/bin/php8.2", ("-q", "/usr/bin/status"), "status"),
        ("status", "/usr/bin/gawk", ("-f", "/usr/bin/status"), "status"),
        ("npm", "/usr/bin/node", ("/usr/bin/npm", "-e"), "npm"),
        ("apt", "", (), "apt"),
    ],
)
def test_a_program_of_the_system_has_the_name_of_its_file_or_script(
    name: str, exepath: str, args: tuple[str, ...], found: str
) -> None:
    assert trusted_name_of(GivenProgram(name, exepath, args)) == found


@pytest.mark.parametrize(
    ("name", "exepath", "args", "found"),
    [
        ("apt", "/tmp/apt", (), None),
        ("sshd", "/home/ann/sshd", (), None),
        ("apt", "/usr/bin/cat", ("/etc/shadow",), "cat"),
        ("apt", "/usr/bin/python3.11", ("/tmp/apt",), "python3.11"),
        ("apt", "/usr/bin/python3.11", ("/usr/bin/../../tmp/apt",), "python3.11"),
        ("adduser", "/usr/bin/perl", ("usr/sbin/adduser",), "perl"),
        ("adduser", "/usr/bin/perl", ("./usr/sbin/adduser",), "perl"),
        ("adduser", "/usr/bin/lua5.4", ("/usr/sbin/adduser",), "lua5.4"),
        ("adduser", "/usr/bin/python3.11", ("-c", "/usr/sbin/adduser"), "python3.11"),
        ("adduser", "/usr/bin/perl", ("-eprint", "/usr/sbin/adduser"), "perl"),
        ("apt", "/usr/bin/shred", ("/usr/bin/apt",), "shred"),
        ("apt", "/usr/bin/dash", ("-s", "/usr/bin/apt"), "dash"),
        ("apt", "/usr/bin/bash", ("-O", "/usr/bin/apt"), "bash"),
        ("apt", "/usr/bin/bash", ("-l", "/usr/bin/apt"), "bash"),
        ("apt", "/usr/bin/python3.11", ("-i", "/usr/bin/apt"), "python3.11"),
        ("apt", "/usr/bin/python3.11", ("-W", "/usr/bin/apt"), "python3.11"),
        ("apt", "/usr/bin/perl", ("-I", "/usr/bin/apt"), "perl"),
        ("apt", "/usr/bin/perl", ("-e", "/usr/;system(q(id))#/apt"), "perl"),
        ("apt", "/usr/bin/ruby3.1", ("-e", "/usr/;exit #/apt"), "ruby3.1"),
        ("apt", "/usr/bin/node", ("-e", "/usr/;0 //apt"), "node"),
    ],
)
def test_a_name_that_a_program_was_given_or_gave_itself_is_not_trusted(
    name: str, exepath: str, args: tuple[str, ...], found: str | None
) -> None:
    assert trusted_name_of(GivenProgram(name, exepath, args)) == found


@pytest.mark.parametrize("flags", [UPPER, MEMFD])
def test_what_lies_in_memory_or_a_writable_layer_is_not_trusted(flags: int) -> None:
    assert trusted_name_of(GivenProgram("apt", "/usr/bin/apt", (), flags)) is None


@pytest.mark.parametrize(("uid", "mode"), [(1000, 0o755), (0, 0o775), (0, 0o757), (65534, 0o4755), (1000, -1)])
def test_what_others_than_root_may_change_is_not_trusted(uid: int, mode: int) -> None:
    assert trusted_name_of(GivenProgram("apt", "/usr/bin/apt", (), 0, uid, mode)) is None
    assert trusted_name_of(GivenProgram("adduser", "/usr/bin/perl", ("/usr/sbin/adduser",), 0, uid, mode)) is None


@pytest.mark.parametrize(("uid", "mode"), [(0, 0o755), (0, 0o2755), (0, 0o4711), (-1, -1)])
def test_what_only_root_may_change_is_trusted_and_so_is_what_is_not_known(uid: int, mode: int) -> None:
    assert trusted_name_of(GivenProgram("apt", "/usr/bin/apt", (), 0, uid, mode)) == "apt"


def test_a_file_of_an_image_is_trusted_with_any_owner() -> None:
    assert trusted_name_of(GivenProgram("apt", "/usr/bin/apt", (), LOWER, 100000, 0o755)) == "apt"


def test_of_a_script_that_the_kernel_names_no_word_counts() -> None:
    arguments = ("-w", "-x", "anything")
    assert trusted_name_of(GivenProgram("adduser", "/usr/bin/perl", arguments, script="/usr/sbin/adduser")) == "adduser"
    assert trusted_name_of(GivenProgram("adduser", "/usr/bin/perl", arguments, script="/home/x/adduser")) == "perl"


@pytest.mark.parametrize("interpreter", ["perl", "dash", "python3.11"])
def test_a_script_of_which_the_kernel_says_that_it_is_none_of_root_s_has_no_name(interpreter: str) -> None:
    path = f"/usr/bin/{interpreter}"
    assert trusted_name_of(GivenProgram("adduser", path, ("/usr/sbin/adduser",), script="")) == interpreter


def test_what_another_user_may_have_put_there_or_loaded_is_not_trusted() -> None:
    assert trusted_name_of(GivenProgram("apt", "/usr/bin/apt", exe_genuine=False)) is None
    assert trusted_name_of(GivenProgram("apt", "/usr/bin/apt", (), LOWER, 0, 0o755, exe_genuine=False)) is None
    assert trusted_name_of(GivenProgram("apt", "/usr/bin/apt", exe_genuine=True)) == "apt"


@pytest.mark.parametrize(
    ("interpreter", "arguments", "user", "found"),
    [
        ("python3.11", (), 0, "tool"),
        ("python3.11", (), 1000, "python3.11"),
        ("python3.11", ("-I",), 1000, "tool"),
        ("python3.11", ("-Es",), 1000, "tool"),
        ("zsh", (), 1000, "zsh"),
        ("fish", (), 1000, "fish"),
        ("tcsh", (), 1000, "tcsh"),
        ("bash", (), 1000, "tool"),
        ("perl", (), 1000, "tool"),
    ],
)
def test_an_interpreter_that_runs_code_of_its_user_s_home_has_a_script_s_name_for_root_alone(
    interpreter: str, arguments: tuple[str, ...], user: int, found: str
) -> None:
    program = GivenProgram("tool", f"/usr/bin/{interpreter}", arguments, script="/usr/bin/tool", uid=user)
    assert trusted_name_of(program) == found
