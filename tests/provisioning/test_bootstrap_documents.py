"""Documents of applications: what is read, what is refused, and the script they become."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from provisioning.logic import bootstrap
from provisioning.logic.bootstrap import DocumentInvalid, document_parse, masked, script_render
from provisioning.logic.demo import TEMPLATES

STACKS = Path(bootstrap.__file__).resolve().parents[1] / "stacks"
OPTIONS = [{"key": "database", "type": "choice", "choices": ["none", "mysql"]}]


def script(text: str, *, run: int = 1, **parameters: object) -> str:
    return script_render(
        document_parse(text, OPTIONS),
        run=run,
        facts={"name": "web-1"},
        parameters=parameters,
        secrets={"db_password": "0a1b"},
    )


@pytest.mark.parametrize("name", ["wordpress", "laravel", "node"])
def test_the_documents_that_are_brought_along_fit_their_templates(name: str) -> None:
    template = next(one for one in TEMPLATES if one.app_stack == name)
    document = document_parse((STACKS / f"{name}.yml").read_text(), template.options)
    wanted = document.packages_for({"database": "mysql", "redis": True})
    assert {"nginx", "default-mysql-server", "redis-server"} <= set(wanted)
    assert "redis-server" not in document.packages_for({"database": "none", "redis": False})


@pytest.mark.parametrize("name", ["wordpress", "laravel", "node"])
def test_what_they_become_is_a_script_that_a_shell_can_read(name: str) -> None:
    template = next(one for one in TEMPLATES if one.app_stack == name)
    document = document_parse((STACKS / f"{name}.yml").read_text(), template.options)
    text = script_render(
        document,
        run=1,
        facts={"name": "web-1", "hostname": "web-1", "address": "10.0.0.5"},
        parameters={"database": "mysql", "redis": True, "domain": "a.example.org"},
        secrets=dict.fromkeys(document.secrets, "0a1b"),
    )
    read = subprocess.run(["sh", "-n"], input=text, text=True, capture_output=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("packages: [", "is no YAML. (line 1)"),
        ("- nginx", "list of names with values"),
        ("bootcmd: []", "bootcmd is unknown"),
        ("packages: nginx", "packages must be a list"),
        ("packages: ['nginx; rm -rf /']", "packages[1] is no name of a package"),
        ("runcmd: [[ls]]", "runcmd[1] is no command"),
        ("runcmd: [{when: {colour: red}, run: ls}]", "these options only: database"),
        ("write_files: [{path: /etc/../x, content: a}]", "path is not allowed"),
        ("write_files: [{path: /etc/x, permissions: rwx}]", "permissions or owner"),
        ("secrets: [DB]", "names in lower case"),
        ("timeout_minutes: 500", "from 1 to 120"),
        ("runcmd: ['" + "a" * 31_000 + "']", "more than 30000 bytes"),
    ],
)
def test_a_document_that_breaks_a_rule_says_which(text: str, words: str) -> None:
    with pytest.raises(DocumentInvalid) as caught:
        document_parse(text, OPTIONS)
    assert words in str(caught.value)


def test_yaml_that_makes_objects_is_no_document() -> None:
    with pytest.raises(DocumentInvalid):
        document_parse("runcmd: !!python/object/apply:os.system [ls]")


def test_what_was_typed_reaches_the_commands_as_a_variable_only() -> None:
    text = script("runcmd: ['echo $UHUB_DATABASE']", database="$(touch /tmp/x)'; rm -rf /")
    assert "export UHUB_DATABASE='$(touch /tmp/x)'\"'\"'; rm -rf /'" in text


def test_entries_of_another_option_stay_out() -> None:
    document = "runcmd: [{when: {database: mysql}, run: systemctl start mariadb}]"
    assert "mariadb" not in script(document, database="none")
    assert "mariadb" in script(document, database="mysql")


def played(text: str, root: Path) -> tuple[int, str]:
    """Runs a script in a real shell, its state under a directory of the test."""
    inside = text.replace("/var/lib/uhub", str(root))
    done = subprocess.run(["sh"], input=inside, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout


def test_a_run_that_was_asked_for_twice_happens_once(tmp_path: Path) -> None:
    document = f"runcmd: ['echo once', 'echo more >>{tmp_path}/seen']"
    first, second = played(script(document), tmp_path), played(script(document), tmp_path)
    assert first == second == (0, "once\n")
    assert (tmp_path / "seen").read_text() == "more\n"


def test_the_next_run_is_another_one(tmp_path: Path) -> None:
    document = f"runcmd: ['echo more >>{tmp_path}/seen']"
    played(script(document), tmp_path)
    played(script(document, run=2), tmp_path)
    assert (tmp_path / "seen").read_text() == "more\nmore\n"


def test_the_first_command_that_fails_ends_it_with_its_status(tmp_path: Path) -> None:
    document = "runcmd: ['echo before', 'sh -c \"exit 7\"', 'echo after']"
    assert played(script(document), tmp_path) == (7, "before\n")


def test_a_command_that_reads_its_input_does_not_eat_the_rest(tmp_path: Path) -> None:
    assert played(script("runcmd: [cat, 'echo last']"), tmp_path) == (0, "last\n")


def test_files_are_written_as_they_are(tmp_path: Path) -> None:
    content = "it's $HOME `date` \\n\n"
    owner = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    document = {
        "write_files": [
            {"path": f"{tmp_path}/deep/file", "content": content, "permissions": "0640"}
            | {"owner": owner}
        ]
    }
    assert played(script(json.dumps(document)), tmp_path)[0] == 0
    assert (tmp_path / "deep/file").read_text() == content


def test_passwords_are_not_in_the_log() -> None:
    assert masked("CREATE USER … '0a1b'", {"db_password": "0a1b"}) == "CREATE USER … '***'"
