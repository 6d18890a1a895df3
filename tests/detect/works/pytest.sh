# Tests of a project.

printf 'import os, pathlib, subprocess, tempfile\ndef test_x(tmp_path):\n    (tmp_path / "x").write_text("x")\n    assert subprocess.run(["sh", "-c", "exit 0"]).returncode == 0\n    (tmp_path / "t").write_text("#!/bin/sh\\n")\n    (tmp_path / "t").chmod(0o755)\n    subprocess.run([str(tmp_path / "t")])\n' > test_x.py
"$PYTHON" -m pytest -q -p no:cacheprovider --rootdir . -c /dev/null --basetemp "$WORK/tmp" test_x.py
