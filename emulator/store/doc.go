// Package store keeps Neargate's state in one SQLite file and is its bus: every
// commit writes records together with an ordered log of changes, and whoever
// wants to react reads that log with Watch. After a crash the log remembers what
// an event bus would have forgotten.
//
// One table, changes, is the truth. Its row number is the revision, and a body
// is written once, there. heads says which revision of a key is the present one;
// entries and counts are the indexes. A body that a change replaced is kept as
// long as that change is in the history, so Change.Before can be trusted; what
// is older than the history is gone, except for the heads.
//
// Tables and series are declared as package-level variables by the packages
// that own them, and hold no state:
//
//	var tasks = store.NewTable("ecs/task", store.By("service", taskService))
//
//	err := st.Update(ctx, "ecs:RunTask 7f3…", func(tx *store.Tx) error {
//		return tasks.Put(tx, arn, &task)
//	})
//
// There is one writer at a time and many readers; see Update for how writers
// share commits. Only this package imports go-sqlite3.
package store
