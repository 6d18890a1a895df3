# An environment of Python made and used.
# by hand only

"$PYTHON" -m venv env

"$PYTHON" - <<'END'
import zipfile
with zipfile.ZipFile("perch-1.0-py3-none-any.whl", "w") as made:
    made.writestr("perch.py", "print(1)\n")
    made.writestr("perch-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: perch\nVersion: 1.0\n")
    made.writestr("perch-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    made.writestr("perch-1.0.dist-info/entry_points.txt", "[console_scripts]\nperch = perch:main\n")
    made.writestr("perch-1.0.dist-info/RECORD", "perch.py,,\nperch-1.0.dist-info/METADATA,,\nperch-1.0.dist-info/WHEEL,,\n"
                  "perch-1.0.dist-info/entry_points.txt,,\nperch-1.0.dist-info/RECORD,,\n")
END

env/bin/pip install --no-index ./perch-1.0-py3-none-any.whl
env/bin/pip list
env/bin/pip uninstall -y perch
