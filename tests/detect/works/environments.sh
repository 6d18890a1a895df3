# Environments of Python made by virtualenv and tox.
# needs: virtualenv tox
# by hand only

. "$PARTS/wheel.sh"
virtualenv -q env
"$PYTHON" -c 'import sys; print(sys.version)'
printf '[tox]\nskipsdist = true\n[testenv]\ncommands = python -c "print(1)"\n' > tox.ini
tox -q
