# A login over ssh.
# needs: sshd ssh
# by hand only

mkdir -p /run/sshd; chmod 755 /run/sshd
ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f key
mkdir -m 700 -p "$WORK/s"; cp key.pub s/keys; chmod 600 s/keys
printf 'HostKey %s/host\nAuthorizedKeysFile %s/s/keys\nStrictModes no\nPidFile %s/pid\nPort 2201\nListenAddress 127.0.0.1\nPermitRootLogin yes\nUsePAM no\nSubsystem sftp internal-sftp\n' "$WORK" "$WORK" "$WORK" > conf
/usr/sbin/sshd -f "$WORK/conf"
options="-i key -o StrictHostKeyChecking=no -o UserKnownHostsFile=known -o BatchMode=yes"
ssh $options -p 2201 root@127.0.0.1 'id; ls /; uptime' || true
ssh $options -p 2201 -tt root@127.0.0.1 'exit' < /dev/null || true
scp $options -P 2201 conf root@127.0.0.1:"$WORK/copied" || true
kill "$(cat pid)"
