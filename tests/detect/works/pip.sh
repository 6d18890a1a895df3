# Packages of Python installed.

. "$PARTS/wheel.sh"
"$PYTHON" -m pip install --no-index --target out ./perch-1.0-py3-none-any.whl
