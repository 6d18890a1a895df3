# Logins at a server of mailboxes.
# needs: dovecot curl
# by hand only

mkdir mail; chmod 755 "$WORK"
printf 'base_dir = %s/run\nstate_dir = %s/run\nlog_path = %s/dovecot.log\nprotocols = imap\nlisten = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nmail_location = maildir:%s/mail/%%%%u\nservice imap-login {\n  inet_listener imap {\n    port = 1143\n  }\n  inet_listener imaps {\n    port = 0\n  }\n}\npassdb {\n  driver = pam\n}\nuserdb {\n  driver = passwd\n}\n' "$WORK" "$WORK" "$LOGS" "$WORK" > dovecot.conf
dovecot -c "$WORK/dovecot.conf" -F & pid=$!
trap 'kill $pid 2> /dev/null || true' EXIT
until curl -s -o /dev/null --max-time 5 imap://127.0.0.1:1143/ -u stranger:wrong; [ $? = 67 ]; do sleep 0.2; done
kill $pid; wait || true
