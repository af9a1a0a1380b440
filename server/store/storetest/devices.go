package storetest

import (
	"testing"
	"time"

	"samtykke/consent"
	"samtykke/server/store"
)

// Acts are counted by device in the transaction that writes them: each once, whatever else is in the group; and what becomes of
// an act later changes no count, since nobody knows which one it was counted in (T5, T6).
func devices(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	other, m := Site(t, db, "nordlysoglim")
	foreign, unknown := Record(m, 3, consent.AcceptAll), Record(n, 4, consent.AcceptAll)
	foreign.Visitor[0], foreign.ID[0] = 9, 9
	unknown.Notice[0]++
	group := []consent.Record{Record(n, 1, consent.AcceptAll), Record(n, 2, consent.RejectAll), foreign, unknown}
	kinds := []store.Device{store.Phone, store.Computer, store.Tablet, store.Tablet}
	must[[]error](t)(db.AppendFrom(ctx, group, kinds))
	// Sent again from elsewhere it is the same act; the new one beside it is counted.
	must[[]error](t)(db.AppendFrom(ctx, append(group[:1:1], Record(n, 5, consent.Withdraw)), []store.Device{store.Tablet, store.Phone}))
	must[[]error](t)(db.Append(ctx, []consent.Record{Record(n, 6, consent.AcceptAll)}))
	of := func(site string) []store.DeviceSum {
		return must[[]store.DeviceSum](t)(db.Devices(ctx, site, Day, Day.AddDate(0, 0, 1)))
	}
	want := []store.DeviceSum{
		{Device: store.UnknownDevice, Sum: store.Sum{AcceptAll: 1}},
		{Device: store.Phone, Sum: store.Sum{AcceptAll: 1, Withdraw: 1}},
		{Device: store.Computer, Sum: store.Sum{RejectAll: 1}},
	}
	same(t, of(s.ID), want)
	same(t, of(other.ID), []store.DeviceSum{{Device: store.Tablet, Sum: store.Sum{AcceptAll: 1}}})
	same(t, must[[]store.DeviceSum](t)(db.Devices(ctx, s.ID, Day.AddDate(0, 0, 1), Day.AddDate(0, 0, 9))), []store.DeviceSum(nil))

	for _, lift := range []bool{true, false} {
		must[store.Restriction](t)(db.Restrict(ctx, s.ID, group[0].Visitor, lift, Day.Add(time.Hour)))
		same(t, of(s.ID), want)
	}
	must[store.Erasure](t)(db.EraseVisitor(ctx, s.ID, group[1].Visitor, Day.Add(time.Hour)))
	same(t, of(s.ID), want)
	if _, err := db.DeleteSite(ctx, other.ID, Day); err != nil {
		t.Fatal(err)
	}
	same(t, of(other.ID), []store.DeviceSum(nil))
}

// T9: once the acts themselves are gone, a small count says no longer on what device.
func smallDevices(t *testing.T, db *store.DB) {
	s, n := Site(t, db, "fjordfletvaerk")
	var group []consent.Record
	var kinds []store.Device
	for k := range 9 {
		group, kinds = append(group, Record(n, k, consent.AcceptAll)), append(kinds, store.Phone)
		if k >= 6 {
			kinds[k] = store.Tablet + store.Device(k%2)
		}
	}
	must[[]error](t)(db.AppendFrom(ctx, group, kinds))
	of := func() []store.DeviceSum {
		return must[[]store.DeviceSum](t)(db.Devices(ctx, s.ID, Day, Day.AddDate(0, 0, 1)))
	}
	purged(t, db, s.ID, Day.AddDate(0, 2, 0))
	if got := of(); len(got) != 3 {
		t.Errorf("while the acts are there: %+v", got)
	}
	purged(t, db, s.ID, Day.AddDate(6, 0, 0))
	same(t, of(), []store.DeviceSum{{Device: store.UnknownDevice, Sum: store.Sum{AcceptAll: 3}}, {Device: store.Phone, Sum: store.Sum{AcceptAll: 6}}})
}
