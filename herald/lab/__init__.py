"""A leaf-spine lab in network namespaces: real FRR, real links, real traffic. Demo, tests and benchmarks use it.

    from herald.lab.lab import Lab
    from herald.lab.topology import Peering, Settings, rack, two_racks

    async with Lab(rack(Settings(nodes=3))) as lab:          # 0.3 s; root; the name is made up unless given
        speaker = lab.start("node1", [sys.executable, "-m", ...], name="speaker")   # a Process: pid, log, output(),
        ...                                                   # kill(), stop() (SIGSTOP), cont(), terminate(), wait(s), end()
        await lab.fabric_up()                                 # the ToRs' sessions with the spine are in use
        web = lab.start_endpoint("node1")                     # HTTP on :8080, names its node; fail(), refuse(), heal()
        load = lab.start_load([vip], LoadPlan(rate=100))      # herald.lab.traffic; load.report(), await load.finish()
        tor1 = lab.routers["tor1"]
        await tor1.sessions()                                 # {peer address: BgpSession}; sessions(Family.IPV6)
        await tor1.paths(prefix); await tor1.rib()            # tuple[BgpPath]: communities, local_pref, as_path, next_hops
        tor1.kernel_routes()                                  # {prefix: KernelRoute(prefix, next_hops)}
        async with lab.follow_routes("tor1") as routes, lab.capture_updates("node1", "tor1") as updates:
            await lab.cut("node1", "tor1")                    # pulls the cable; both ends lose carrier
            change = await routes.first(lambda c: c.prefix == prefix and peer not in (c.next_hops or ()), timeout_s=2)
            updates.events                                    # [CapturedUpdate(at, sender, receiver, update)]
        await lab.restore("node1", "tor1")
        await lab.silence("node1")                            # all frames dropped, links up; or silence(node, tor)
        await lab.unsilence("node1")
        lab.kill_node("node1")                                # SIGKILL to all of its processes
        await tor1.restart(); tor1.freeze(); tor1.thaw(); await tor1.kill_bgpd(); await tor1.start_bgpd()
        # With Settings(bfd=Bfd(interval_ms=100)) the ToRs run bfdd, and BGP with nodes that speak BFD is bound to it:
        await tor1.bfd_sessions(); await tor1.kill_bfdd(); await tor1.start_bfdd(); tor1.prefer()
        lab.topology, lab.namespace("node1"), lab.directory_of("node1")

`herald.lab.waiting.until(look, timeout_s)` waits for what can only be looked at. All times (`at`) are time.monotonic(), one
clock for the whole machine. Errors for people are herald.lab.command.LabError.
`herald lab up` leaves a lab running (Lab.leave_running); a lab whose owner died is cleared away when the next one starts.
"""
