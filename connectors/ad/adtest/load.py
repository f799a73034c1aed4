# Adds and modifies objects of a domain as LDIF on standard input says, in one
# transaction. The domain's controller may run or not.
# Usage: load.py SMB_CONF
import sys

import ldb
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

lp = LoadParm()
lp.load(sys.argv[1])
# Without batch_mode each object copies the indexes of all before it, so that
# they can be put back if it alone is refused.
db = SamDB(session_info=system_session(lp), lp=lp,
           options=["batch_mode:1", "transaction_index_cache_size:200000"])
db.transaction_start()
for change, message in db.parse_ldif(sys.stdin.read()):
    if change == ldb.CHANGETYPE_MODIFY:
        db.modify(message)
    else:
        db.add(message)
db.transaction_commit()
