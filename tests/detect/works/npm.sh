# Packages of node installed.
# needs: npm

mkdir -p p a; cd p
printf '{"name":"perch","version":"1.0.0","scripts":{"install":"node -e 1","test":"sh -c true"}}' > package.json
npm pack --silent; cd ../a
printf '{"name":"a","version":"1.0.0"}' > package.json
npm install --no-audit --no-fund --offline ../p/perch-1.0.0.tgz
