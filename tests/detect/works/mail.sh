# A web application sends mail.
# needs: php-fpm8.2 apache2 curl sendmail unshare
# by hand only

modules=/usr/lib/apache2/modules; mkdir www; chmod 755 "$WORK"
printf '<?php var_dump(mail("x@localhost", "x", "x"));\n' > www/mail.php
cat > apache.conf <<END
ServerRoot $WORK
PidFile $WORK/pid
Listen 127.0.0.1:8099
ServerName x
User www-data
Group www-data
ErrorLog $LOGS/error.log
$(for name in mpm_event authz_core proxy proxy_fcgi; do echo "LoadModule ${name}_module $modules/mod_$name.so"; done)
DocumentRoot $WORK/www
<FilesMatch php$>
SetHandler "proxy:unix:$WORK/fpm.sock|fcgi://localhost/"
</FilesMatch>
END
cat > fpm.conf <<END
[global]
error_log = $LOGS/fpm.log
daemonize = no
[www]
user = www-data
group = www-data
listen = $WORK/fpm.sock
listen.owner = www-data
pm = static
pm.max_children = 1
END
# In a private namespace of mounts sendmail sends nothing.
unshare -m sh -euc 'mount --make-rprivate /; mount --bind /bin/true /usr/sbin/sendmail
php-fpm8.2 -n -y "$WORK/fpm.conf" & fpm=$!
apache2 -X -f "$WORK/apache.conf" & apache=$!
trap "kill $apache $fpm 2> /dev/null || true" EXIT
until curl -sf http://127.0.0.1:8099/mail.php; do sleep 0.2; done
kill $apache $fpm; wait || true'
