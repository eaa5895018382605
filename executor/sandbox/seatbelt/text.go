package seatbelt

// base is what every program needs, whatever the plan. Processes outside cannot be signalled or looked into.
const base = `(version 1)
(deny default)

; processes: new ones inherit this profile
(allow process-exec)
(allow process-fork)
(allow signal (target same-sandbox))
(allow process-info* (target same-sandbox))
(allow sysctl-read)
(allow mach-lookup
  (global-name "com.apple.system.opendirectoryd.libinfo")
  (global-name "com.apple.system.opendirectoryd.membership")
  (global-name "com.apple.PowerManagement.control"))
(allow ipc-posix-sem)

; devices
(allow file-read* file-write-data file-ioctl
  (literal "/dev/null") (literal "/dev/zero") (literal "/dev/dtracehelper"))
(allow file-read* (literal "/dev/random") (literal "/dev/urandom"))
(allow pseudo-tty)
(allow file-read* file-write* file-ioctl (literal "/dev/ptmx") (literal "/dev/tty"))
(allow file-read* file-write*
  (require-all (regex #"^/dev/ttys[0-9]+$") (extension "com.apple.sandbox.pty")))
(allow file-ioctl (regex #"^/dev/ttys[0-9]+$"))
`

// minimal is what programs of the system need to start when only listed paths may be read.
const minimal = `
; reading: the system's programs and what is listed
(allow file-read-metadata)
(allow file-read* file-test-existence
  (literal "/")
  (subpath "/bin") (subpath "/sbin") (subpath "/usr")
  (subpath "/System/Library") (subpath "/System/Volumes/Preboot/Cryptexes")
  (subpath "/Library/Apple") (subpath "/Library/Developer/CommandLineTools")
  (subpath "/private/var/db/dyld") (subpath "/private/var/db/timezone")
  (literal "/private/etc/localtime") (literal "/private/etc/passwd") (literal "/private/etc/protocols") (literal "/private/etc/services"))
`

const networkOn = `
; network: open
(allow network*)
(allow system-socket)
(allow mach-lookup
  (global-name "com.apple.dnssd.service")
  (global-name "com.apple.SystemConfiguration.DNSConfiguration")
  (global-name "com.apple.SystemConfiguration.configd")
  (global-name "com.apple.networkd")
  (global-name "com.apple.trustd")
  (global-name "com.apple.trustd.agent")
  (global-name "com.apple.SecurityServer"))
`
