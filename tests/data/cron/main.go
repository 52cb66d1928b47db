// Print when Kubernetes runs a CronJob: for each schedule on standard input, in each time zone, on the days around a change
// of the clocks. The CronJob controller uses the same library in the same way. firings.txt was made by
//
//	go mod init firings && go get github.com/robfig/cron/v3@v3.0.1 && go run . < schedules.txt > firings.txt
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"

	"github.com/robfig/cron/v3"
)

var changes = [][]string{
	{"America/New_York", "2027-03-14", "2027-11-07"},
	{"America/Santiago", "2027-04-04", "2027-09-05"},
	{"Australia/Sydney", "2027-04-04", "2027-10-03"},
	{"Europe/Berlin", "2027-03-28", "2027-10-31"},
}

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		for _, change := range changes {
			schedule, err := cron.ParseStandard(fmt.Sprintf("TZ=%s %s", change[0], lines.Text()))
			if err != nil {
				panic(err)
			}
			for _, day := range change[1:] {
				fmt.Printf("%s|%s|%s|", lines.Text(), change[0], day)
				midnight, _ := time.Parse(time.DateOnly, day)
				last := midnight.Add(48 * time.Hour)
				for at := schedule.Next(midnight.Add(-24 * time.Hour)); at.Before(last); at = schedule.Next(at) {
					fmt.Print(" ", at.UTC().Format("2006-01-02T15:04"))
				}
				fmt.Println()
			}
		}
	}
}
