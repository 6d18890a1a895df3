# Packages of node built, tested, packed and installed.
# needs: npm

mkdir -p p a; cd p
printf '{"name":"perch","version":"1.0.0","scripts":{"install":"node -e 1","build":"node build.js","test":"sh -c true"}}' > package.json
echo "require('fs').writeFileSync('built.js', '1')" > build.js
npm run build; npm test; npm pack --silent; cd ../a
printf '{"name":"a","version":"1.0.0"}' > package.json
npm install --no-audit --no-fund --offline ../p/perch-1.0.0.tgz
