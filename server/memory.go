package server

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// scanProfile is in the command line of every browser that the scanner starts: the beginning of its profile's name.
const scanProfile = "samtykke-scan-"

// browserMemory is how many bytes the scanner's browsers below this process have for themselves: what each of their processes
// keeps in memory and shares with no other. Without /proc, which only Linux has, it is 0.
func browserMemory() int64 {
	children := map[int][]int{}
	for _, pid := range processes() {
		if parent := parentOf(pid); parent > 0 {
			children[parent] = append(children[parent], pid)
		}
	}
	var total int64
	var walk func(pid int, ours bool)
	walk = func(pid int, ours bool) {
		for _, child := range children[pid] {
			ours := ours || isBrowser(child)
			if ours {
				total += ownMemory(child)
			}
			walk(child, ours)
		}
	}
	walk(os.Getpid(), false)
	return total
}

func processes() (pids []int) {
	found, _ := filepath.Glob("/proc/[0-9]*") // the pattern is a constant
	for _, dir := range found {
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func proc(pid int, file string) []byte {
	b, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/" + file) // a process may end at any moment
	return b
}

// parentOf reads the fourth field of stat; the second is a name that may hold anything.
func parentOf(pid int) int {
	stat := proc(pid, "stat")
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func isBrowser(pid int) bool { return bytes.Contains(proc(pid, "cmdline"), []byte(scanProfile)) }

// ownMemory reads statm: the pages in memory without those that are shared.
func ownMemory(pid int) int64 {
	fields := strings.Fields(string(proc(pid, "statm")))
	if len(fields) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(fields[1], 10, 64)
	shared, _ := strconv.ParseInt(fields[2], 10, 64)
	return max(0, resident-shared) * int64(os.Getpagesize())
}
