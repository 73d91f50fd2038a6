"""Chaos: random faults on a lab with Herald, the same for the same seed, while what must always hold is looked at.

faults: what can be done to whom, and which bound Herald promises for it. schedule: seed in, faults out. history: what was
really done and when, and what each route must be for it. observation: what is seen of routers and programs. invariants:
what must hold of it. growth: memory and open files. All these are pure. acts: does and undoes a fault. watch: looks.
play: both at once, until the end or the first violation.

    async with chaos_lab() as stage:
        await Chaos(stage=stage).play(schedule(seed=1, minutes=3, cast=stage.cast), seconds=180)
"""
