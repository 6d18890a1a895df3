# Metrics gathered: a server of Prometheus that scrapes itself.
# needs: prometheus promtool curl
# by hand only

printf 'global: {scrape_interval: 1s}\nscrape_configs: [{job_name: self, static_configs: [{targets: ["127.0.0.1:9099"]}]}]\n' > prometheus.yml
promtool check config prometheus.yml
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:9099 > log 2>&1 & pid=$!
trap 'kill $pid 2> /dev/null || true' EXIT
until curl -sf 'http://127.0.0.1:9099/-/ready'; do sleep 0.2; done
curl -s 'http://127.0.0.1:9099/api/v1/query?query=up'; kill -HUP $pid; sleep 1
kill $pid; wait $pid || true
