# An environment of Python made and used.
# by hand only

. "$PARTS/wheel.sh"
"$PYTHON" -m venv env
env/bin/pip install --no-index ./perch-1.0-py3-none-any.whl
env/bin/pip list
env/bin/pip uninstall -y perch
