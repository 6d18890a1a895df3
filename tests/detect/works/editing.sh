# Notes and settings edited by an administrator.
# needs: vim.tiny git
# by hand only

notes=$(mktemp -d /root/mozu-work-XXXXXX); trap 'rm -r "$notes"' EXIT
vim.tiny -es -c 'normal ihello' -c wq "$notes/todo" < /dev/null || true
cd "$notes"; git init -q .; git config user.name x; git config user.email x@localhost; git add todo
EDITOR='vim.tiny -es -c "normal ifirst" -c wq' git commit -q < /dev/null
