;; A guest that leads from its first line on, in the term that its clocks, its random numbers and its arguments say:
;; what it looks at is told by the trace.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  ;; Imported twice, as Go does.
  (import "wasi_snapshot_preview1" "random_get" (func $again (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 64) "{\22events\22:[{\22event\22:\22elected\22,\22term\22:")
  (data (i32.const 128) "}]}\n")
  (data (i32.const 192) "said on standard error\n")

  (func $write (param $to i32) (param $from i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $number (param $value i64)
    (local $at i32)
    (local.set $at (i32.const 320))
    (loop $digits
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $value) (i64.const 10)))))
      (local.set $value (i64.div_u (local.get $value) (i64.const 10)))
      (br_if $digits (i64.ne (local.get $value) (i64.const 0))))
    (call $write (i32.const 1) (local.get $at) (i32.sub (i32.const 320) (local.get $at))))

  (func (export "_start")
    (call $write (i32.const 2) (i32.const 192) (i32.const 23))
    (loop $lines
      (i32.store (i32.const 0) (i32.const 65536))
      (i32.store (i32.const 4) (i32.const 65536))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $random_get (i32.const 400) (i32.const 4)))
      (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 408)))
      (drop (call $args_sizes_get (i32.const 416) (i32.const 420)))
      (call $write (i32.const 1) (i32.const 64) (i32.const 37))
      ;; arguments * 2^32 + random, plus the time in seconds * 2^40
      (call $number
        (i64.add
          (i64.add
            (i64.shl (i64.extend_i32_u (i32.load (i32.const 416))) (i64.const 32))
            (i64.extend_i32_u (i32.load (i32.const 400))))
          (i64.shl
            (i64.sub (i64.div_u (i64.load (i32.const 408)) (i64.const 1000000000)) (i64.const 1000000000))
            (i64.const 40))))
      (call $write (i32.const 1) (i32.const 128) (i32.const 4))
      (br $lines))))
