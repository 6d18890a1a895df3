# A task of a configuration manager.

d=$HOME/.ansible/tmp/ansible-tmp-1; mkdir -p "$d"
printf 'import json, os, platform, pwd\npwd.getpwnam("root")\nopen("/etc/os-release").read()\nprint(json.dumps({"changed": False}))\n' > "$d/AnsiballZ_setup.py"
chmod u+x "$d" "$d/AnsiballZ_setup.py"
sh -c "'$PYTHON' $d/AnsiballZ_setup.py && sleep 0"
sh -c "rm -rf $d > /dev/null 2>&1 && sleep 0"
