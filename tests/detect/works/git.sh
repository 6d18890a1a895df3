# A repository cloned, committed to and packed.
# needs: git

git init -q a; cd a; git config user.name x; git config user.email x@localhost
for n in 1 2 3; do echo $n > $n; git add $n; git commit -q -m $n; done
git gc -q; cd ..; git clone -q a b; cd b; git log --oneline; git status; git diff HEAD~1; git fetch -q
