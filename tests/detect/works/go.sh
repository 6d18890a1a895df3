# A program in Go built and tested.
# needs: go
# by hand only

export GOFLAGS=-mod=mod GOPROXY=off GOCACHE="$WORK/cache" GOTOOLCHAIN=local
printf 'module perch\ngo 1.19\n' > go.mod
printf 'package main\nimport "fmt"\nfunc add(a, b int) int { return a + b }\nfunc main() { fmt.Println(add(1, 2)) }\n' > main.go
printf 'package main\nimport "testing"\nfunc TestAdd(t *testing.T) { if add(1, 2) != 3 { t.Fail() } }\n' > main_test.go
go vet ./...; go test ./...; go run .; go build -o perch .; ./perch
