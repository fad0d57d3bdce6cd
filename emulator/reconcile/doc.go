// Package reconcile is the one harness for everything that reacts: it watches
// changes of the store, keeps a queue of keys that may need work, and calls a
// Controller with one of them at a time per key.
//
// The rules, which every controller may rely on:
//
//   - One call in flight per key, and none across keys beyond Options.Limit.
//   - When a record changes while a call for its key runs, that call's context
//     is cancelled and the key is queued again. Controllers therefore write to
//     the store last, and so do not interrupt themselves.
//   - Hints from outside and timers only queue; they never interrupt, so a
//     chatty runtime cannot starve a long pull.
//   - A returned duration means: look again then. It is the only timer there
//     is, and each call's answer replaces the one before.
//   - An error is logged and tried again with backoff, store.ErrStale at once
//     and silently: the record is newer, so look at it afresh. A panic is an
//     error too.
//   - Every key is visited at the start and once per Options.Resync, so a lost
//     event costs time, never work. Options.Unchanged makes the visits of a
//     resync cheap.
//   - The first listing and the revision watched from come from one snapshot.
package reconcile
