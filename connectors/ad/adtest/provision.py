# Makes a new Active Directory domain in the directories that smb.conf names.
# Usage: provision.py SMB_CONF REALM DOMAIN HOST PASSWORD
#
# samba-tool can't leave out the ACLs of sysvol, which need a file system with
# xattrs and rights that containers lack; the library below it can.
import logging
import sys

import ldb
from samba import dsdb
from samba.auth import system_session
from samba.param import LoadParm
from samba.provision import provision
from samba.provision.common import FILL_FULL
from samba.samdb import SamDB

conf, realm, domain, host, password = sys.argv[1:]

provision(
    logging.getLogger("provision"), system_session(), smbconf=conf,
    samdb_fill=FILL_FULL, realm=realm, domain=domain, hostname=host,
    hostip="127.0.0.1", adminpass=password,
    serverrole="active directory domain controller", dns_backend="NONE",
    dom_for_fun_level=dsdb.DS_DOMAIN_FUNCTION_2008_R2, use_rfc2307=True,
    skip_sysvolacl=True, base_schema="2012_R2",
    # With tdb an increment costs the whole directory, with mdb what changed.
    backend_store="mdb")

lp = LoadParm()
lp.load(conf)
lp.set("dsdb:schema update allowed", "yes")
db = SamDB(session_info=system_session(lp), lp=lp)

# Of Exchange's schema, what directories without Exchange have too. OIDs: MS-ADSC
# and Microsoft's list of Exchange's attributes.
schema = str(db.get_schema_basedn())
attributes = []
for i in range(1, 16):
    oid = 422 + i if i <= 10 else 588 + i
    attributes.append(("ms-Exch-Extension-Attribute-%d" % i,
                       "extensionAttribute%d" % i, "1.2.840.113556.1.2.%d" % oid, "1024"))
attributes.append(("ms-Exch-Mail-Nickname", "mailNickname", "1.2.840.113556.1.2.447", "64"))
db.transaction_start()
for cn, name, oid, longest in attributes:
    db.add({
        "dn": "CN=%s,%s" % (cn, schema), "objectClass": "attributeSchema",
        "lDAPDisplayName": name, "attributeID": oid,
        "attributeSyntax": "2.5.5.12", "oMSyntax": "64",  # Unicode text
        "isSingleValued": "TRUE", "searchFlags": "0",
        "rangeLower": "1", "rangeUpper": longest})
db.transaction_commit()
db.set_schema_update_now()


def replace(dn, flag, **values):
    message = ldb.Message(dn)
    for name, value in values.items():
        message[name] = ldb.MessageElement(value, flag, name)
    db.modify(message)


replace(ldb.Dn(db, "CN=Mail-Recipient," + schema), ldb.FLAG_MOD_ADD,
        mayContain=[a[1] for a in attributes])
db.set_schema_update_now()

# Tests set what passwords they like.
replace(db.get_default_basedn(), ldb.FLAG_MOD_REPLACE,
        pwdProperties="0", minPwdLength="0", pwdHistoryLength="0", minPwdAge="0",
        maxPwdAge="-9223372036854775808")

# A controller's own name as a service, which samba_spnupdate gives it where there
# is DNS.
dc = db.search(db.get_default_basedn(), expression="(sAMAccountName=%s$)" % host, attrs=["dNSHostName"])[0]
replace(dc.dn, ldb.FLAG_MOD_ADD, servicePrincipalName="ldap/%s" % dc["dNSHostName"][0])
