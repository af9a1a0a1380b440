package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"samtykke/consent"
)

// Device is a kind of device. It is counted a day, and stands with no act.
type Device int64

// The kinds. Their numbers stand in the database.
const (
	UnknownDevice Device = iota
	Phone
	Tablet
	Computer
)

var deviceNames = []string{"unknown", "phone", "tablet", "computer"}

// String is the kind's name for programs.
func (d Device) String() string {
	if d < 0 || int(d) >= len(deviceNames) {
		d = UnknownDevice
	}
	return deviceNames[d]
}

// deviceCell is a row of device_counts.
type deviceCell struct {
	site, day int64
	device    Device
	action    int64
}

// countDevices is what adds the rows to the counts of their days by device: one statement, however many sites the group is of.
// Its rows are in a fixed order, as count's are.
func (db *DB) countDevices(rows []row) []stmt {
	sums := map[deviceCell]int64{}
	for i := range rows {
		r := &rows[i]
		sums[deviceCell{r.site, r.at / dayMillis, r.device, r.action}]++
	}
	cells := make([]deviceCell, 0, len(sums))
	for c := range sums {
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(a, b deviceCell) int {
		return cmp.Or(cmp.Compare(a.site, b.site), cmp.Compare(a.day, b.day), cmp.Compare(a.device, b.device), cmp.Compare(a.action, b.action))
	})
	list := make([][5]int64, len(cells))
	for i, c := range cells {
		list[i] = [5]int64{c.site, c.day, int64(c.device), c.action, sums[c]}
	}
	body, _ := json.Marshal(list) // numbers can't fail
	return []stmt{{db.addDevices(), []any{string(body)}}}
}

// addDevices is the statement that adds a list in JSON to the counts: one text for lists of any length.
func (db *DB) addDevices() string {
	return `insert into device_counts (site, day, device, action, n)
		select cast(value->>0 as bigint), cast(value->>1 as bigint), cast(value->>2 as bigint), cast(value->>3 as bigint), cast(value->>4 as bigint)
		from ` + db.dialect.words.Rows + ` where true on conflict (site, day, device, action) do update set n = device_counts.n + excluded.n`
}

// DeviceSum is what was done on one kind of device.
type DeviceSum struct {
	Device Device
	Sum
}

// Devices reads what was done on a site by kind of device, from inclusive to exclusive, in the order of the kinds and only those
// that were counted. Acts from before there were such counts are in none.
func (db *DB) Devices(ctx context.Context, site string, from, to time.Time) (list []DeviceSum, err error) {
	_, err = collect(ctx, db.reader, func(rows *sql.Rows) (none struct{}, err error) {
		var device Device
		var action int
		var n int64
		if err := rows.Scan(&device, &action, &n); err != nil {
			return none, err
		}
		if last := len(list) - 1; last < 0 || list[last].Device != device {
			list = append(list, DeviceSum{Device: device})
		}
		if action < len(consent.Actions) {
			list[len(list)-1].Add(NewSum(consent.Actions[action], n))
		}
		return none, nil
	}, `select device, action, cast(sum(n) as bigint) from device_counts where site = (select num from sites where id = $1) and day >= $2 and day < $3
		group by device, action order by device, action`, site, from.UnixMilli()/dayMillis, to.UnixMilli()/dayMillis)
	return list, err
}

// NewSum is a number of one action.
func NewSum(a consent.Action, n int64) (s Sum) {
	switch a {
	case consent.AcceptAll:
		s.AcceptAll = n
	case consent.RejectAll:
		s.RejectAll = n
	case consent.Custom:
		s.Custom = n
	case consent.Withdraw:
		s.Withdraw = n
	}
	return s
}

// coarsenDevices takes the device from the small counts of the days before one: what is left says how often something was done.
func (db *DB) coarsenDevices(ctx context.Context, site, before int64) error {
	const small = " from device_counts where site = $1 and day < $2 and n < $3 and device <> 0"
	var there int
	if err := db.reader.QueryRowContext(ctx, "select count(*)"+small, site, before, few).Scan(&there); err != nil || there == 0 {
		return err
	}
	return db.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `insert into device_counts (site, day, device, action, n)
			select site, day, 0, action, cast(sum(n) as bigint)`+small+` group by site, day, action
			on conflict (site, day, device, action) do update set n = device_counts.n + excluded.n`, site, before, few); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete"+small, site, before, few)
		return err
	})
}
