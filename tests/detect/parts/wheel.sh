# perch-1.0-py3-none-any.whl: a package with a command, as a build of it would leave.

"$PYTHON" - <<'END'
import zipfile
info = "perch-1.0.dist-info"
files = {
    "perch.py": "print(1)\n",
    f"{info}/METADATA": "Metadata-Version: 2.1\nName: perch\nVersion: 1.0\n",
    f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{info}/entry_points.txt": "[console_scripts]\nperch = perch:main\n",
}
record = f"{info}/RECORD"
with zipfile.ZipFile("perch-1.0-py3-none-any.whl", "w") as made:
    for name, text in {**files, record: "".join(f"{name},,\n" for name in (*files, record))}.items():
        made.writestr(name, text)
END
